//! A store that has every kind of row, for damaging it.

use std::sync::Arc;

use actor_sqlite_engine::{CompactionOptions, EngineOptions};
use actor_sqlite_kv::{Fault, FaultKv, Image, Limits, MemKv, OpKind, SyncMode};
use actor_sqlite_pagestore::{ActorId, CommitId, PageStore};
use fastrand::Rng;

use super::{Owner, PAGE, Pages, actor, assert_sound, engine_with};

pub fn options() -> EngineOptions {
    EngineOptions {
        compaction: CompactionOptions {
            batch_bytes: 1_000,
            retention_txids: 2,
            ..CompactionOptions::default()
        },
        // Two windows of pages.
        verify_pages_max: 64,
        ..EngineOptions::default()
    }
}

pub fn limits() -> Limits {
    Limits { value_bytes_preferred: 700, ..MemKv::LIMITS }
}

pub struct Specimen {
    pub actor: ActorId,
    pub image: Image,
    pub content: Pages,
    /// In the name of each chunk of the compaction that was cut off.
    pub building: String,
    /// Another database of the store, whose name begins like that of the first.
    pub beside: ActorId,
    pub beside_content: Pages,
    /// The store after each batch before.
    pub earlier_images: Vec<Image>,
    /// Rows that were there at some time, where there is another now or none.
    pub earlier: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Pages that need few bytes, so that many mutations do not take long.
fn small_page(rng: &mut Rng) -> Vec<u8> {
    let mut page = vec![rng.u8(..); PAGE as usize];
    let at = rng.usize(..page.len() - 8);
    page[at..at + 8].copy_from_slice(&rng.u64(..).to_be_bytes());
    page
}

fn commit(owner: &mut Owner, rng: &mut Rng, size: u32, changed: u32) {
    let grown = owner.head.size + 1..=size;
    let changed = (0..changed).map(|_| rng.u32(1..=size)).collect::<Vec<_>>();
    let pages: Pages = grown.chain(changed).map(|pgno| (pgno, small_page(rng))).collect();
    owner.commit(&pages, size).unwrap();
}

/// Stages pages in two segments, of which some pages are in both.
fn stage(owner: &mut Owner, rng: &mut Rng) -> (CommitId, [Pages; 2]) {
    let id = owner.next_id();
    let parts: [Pages; 2] =
        [1..=4, 3..=5].map(|at| at.map(|at: u32| (at * 13, small_page(rng))).collect());
    parts.iter().for_each(|part| owner.stage(id, part).unwrap());
    (id, parts)
}

/// Two databases after commits, compactions, a reclaim and claims; the last compaction was cut off,
/// so that there is a `BUILD`. Of the stages one is committed and folded, one committed and not
/// folded, one given up, and one open.
pub fn specimen(seed: u64) -> Specimen {
    let mut rng = Rng::with_seed(seed);
    let kv = Arc::new(FaultKv::with(Image::default(), SyncMode::Manual, limits()));
    let engine = engine_with(kv.clone(), options());
    let (actor, beside) = (actor("specimen"), actor("specimen2"));
    let mut other = Owner::claim(&engine, &beside);
    commit(&mut other, &mut rng, 2, 0);
    commit(&mut other, &mut rng, 3, 2);
    engine.compact(&beside).unwrap();
    let mut owner = Owner::claim(&engine, &actor);
    commit(&mut owner, &mut rng, 70, 0);
    for round in 0..4 {
        for _ in 0..2 {
            commit(&mut owner, &mut rng, 70 + round, 3);
        }
        if round >= 2 {
            let (id, parts) = stage(&mut owner, &mut rng);
            let (rest, size) = (Pages::from([(6, small_page(&mut rng))]), owner.head.size);
            owner.commit_staged(id, &parts, &rest, size).unwrap();
        }
        if round == 2 {
            engine.reclaim(&actor, 9).unwrap();
            owner = Owner::claim(&engine, &actor);
        }
        if round < 3 {
            engine.compact(&actor).unwrap();
        }
    }
    let (given_up, _) = stage(&mut owner, &mut rng);
    engine.discard(&owner.lease, given_up);
    stage(&mut owner, &mut rng);
    // The second batch of the last compaction does not land.
    kv.fail_nth(OpKind::Commit, kv.counters().commits + 2, Fault::Unavailable);
    engine.compact(&actor).unwrap_err();
    owner.check();
    assert_sound(&engine, &actor);
    let mut earlier_images: Vec<Image> = (0..kv.boundaries().len())
        .flat_map(|boundary| kv.crash_images_at(boundary))
        .map(|crash| (crash.kept, crash.image))
        .collect::<std::collections::BTreeMap<_, _>>()
        .into_values()
        .collect();
    let image = earlier_images.pop().unwrap();
    let mut earlier: Vec<(Vec<u8>, Vec<u8>)> = earlier_images
        .iter()
        .flat_map(|image| image.iter().map(|(key, value)| (key.to_vec(), value.to_vec())))
        // What belongs to the namespace is no row of the database.
        .filter(|(key, value)| key[0] == 2 && image.get(key) != Some(value))
        .collect();
    earlier.sort();
    earlier.dedup();
    let head = owner.head.txid;
    Specimen {
        actor,
        image,
        content: owner.model,
        building: format!(" as of {head} "),
        beside,
        beside_content: other.model,
        earlier_images,
        earlier,
    }
}

pub fn key_of(actor: &ActorId, path: &[u8]) -> Vec<u8> {
    let mut key = vec![2];
    for part in [actor.namespace(), actor.name()] {
        key.extend_from_slice(part.as_bytes());
        key.push(0);
    }
    key.extend_from_slice(path);
    key
}

/// The words for a key, written down here a second time.
pub fn row_name(actor: &ActorId, key: &[u8]) -> Option<String> {
    let path = key.strip_prefix(&key_of(actor, b"")[..])?;
    let slash = path.iter().position(|&byte| byte == b'/').unwrap_or(path.len());
    let kind = std::str::from_utf8(&path[..slash]).ok()?;
    let rest = path.get(slash + 1..).unwrap_or(&[]);
    let number = |at: usize, len: usize| {
        rest[at..at + len].iter().fold(0_u64, |number, &byte| number << 8 | u64::from(byte))
    };
    Some(match kind {
        "DELTA" => format!("DELTA {} chunk {}", number(0, 8), number(9, 4)),
        "PIDX" => format!("PIDX {}", number(0, 8)),
        "PAST" => format!("PAST {}", number(0, 8)),
        "GONE" => format!("GONE {} shard {}", number(0, 8), number(9, 4)),
        "SHARD" => {
            format!("SHARD {} as of {} chunk {}", number(0, 4), number(5, 8), number(14, 4))
        }
        "SIDX" => format!("SIDX {} as of {}", number(0, 4), number(5, 8)),
        "STAGE" => {
            format!("STAGE {} segment {} chunk {}", number(0, 8), number(9, 4), number(14, 4))
        }
        "STAGED" => format!("STAGED {}", number(0, 8)),
        "STIX" => format!("STIX {} segment {}", number(0, 8), number(9, 4)),
        kind => kind.to_owned(),
    })
}
