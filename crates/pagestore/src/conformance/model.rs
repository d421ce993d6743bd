//! Random transactions, compared with a map of pages.

use actor_sqlite_ltx::PageSize;
use fastrand::Rng;

use super::Open;
use super::support::{Owner, Pages};
use crate::StoreError;

const STEPS: u32 = 400;
const NAMES: [&str; 3] = ["a", "b", "c"];

pub(super) fn run(open: &Open<'_>, seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let store = open();
    let page_size = PageSize::MIN;
    let mut owners: Vec<Owner> =
        NAMES.iter().map(|name| Owner::claim(&store, name, page_size)).collect();
    for _ in 0..STEPS {
        let at = rng.usize(0..owners.len());
        match rng.u32(0..20) {
            0 => {
                let (head, model) = (owners[at].head, owners[at].model.clone());
                owners[at] = Owner::claim(&store, NAMES[at], page_size);
                assert_eq!((owners[at].head, &owners[at].model), (head, &model));
            }
            1 => {
                let mut old = Owner::claim(&store, NAMES[at], page_size);
                std::mem::swap(&mut old, &mut owners[at]);
                let (pages, size) = transaction(&mut rng, old.head.size, page_size);
                let refused = old.try_commit(&pages, size);
                assert!(matches!(refused, Err(StoreError::Fenced { .. })), "{refused:?}");
            }
            2..=4 => owners[at].check(),
            _ => {
                let (pages, size) = transaction(&mut rng, owners[at].head.size, page_size);
                owners[at].commit(&pages, size);
            }
        }
    }
    owners.iter().for_each(Owner::check);
}

fn transaction(rng: &mut Rng, old: u32, page_size: PageSize) -> (Pages, u32) {
    let size = match rng.u32(0..6) {
        0 => rng.u32(1..=old.max(1)),
        1 => old + rng.u32(1..80),
        _ => old.max(1) + rng.u32(0..2),
    }
    .min(300);
    let changed: Vec<u32> = (0..rng.u32(0..6)).map(|_| rng.u32(1..=size)).collect();
    let pages = (old + 1..=size).chain(changed).map(|pgno| {
        let fill = rng.u8(..);
        let noise = rng.bool();
        let page = (0..page_size.bytes()).map(|_| if noise { rng.u8(..) } else { fill }).collect();
        (pgno, page)
    });
    (pages.collect(), size)
}
