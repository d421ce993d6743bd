//! Transactions that are staged, in parts and with pages that change again.

use actor_sqlite_ltx::Pgno;
use actor_sqlite_pagestore::{
    CommitId, CommitRequest, Committed, PageStore, StageRequest, StoreError,
};
use fastrand::Rng;

use super::{Owner, PAGE, Pages};

fn list(pages: &Pages) -> Vec<(Pgno, &[u8])> {
    pages.iter().filter_map(|(&pgno, page)| Some((Pgno::new(pgno)?, &page[..]))).collect()
}

/// Stages pages in one request.
pub fn stage(owner: &Owner, commit_id: CommitId, pages: &Pages) -> Result<(), StoreError> {
    let pages = list(pages);
    let request = StageRequest { commit_id, expected_head: owner.head.txid, pages: &pages };
    owner.engine.stage(&owner.lease, &request)
}

/// Commits a transaction of which some pages were staged: in up to three requests, some of them
/// twice and with other bytes at first, some beyond the size in the end.
pub fn commit(
    owner: &mut Owner,
    rng: &mut Rng,
    pages: &Pages,
    size: u32,
) -> Result<Committed, StoreError> {
    let commit_id = owner.next_id();
    let (mut last, mut begun) = (pages.clone(), false);
    for _ in 0..rng.u32(0..4) {
        let mut part = Pages::new();
        for (&pgno, page) in pages {
            match rng.u32(0..4) {
                0 => drop(part.insert(pgno, page.clone())),
                1 => drop(part.insert(pgno, vec![rng.u8(..); PAGE as usize])),
                _ => {}
            }
        }
        if rng.u32(0..3) == 0 {
            part.insert(size + rng.u32(1..4), vec![7; PAGE as usize]);
        }
        if part.is_empty() {
            continue;
        }
        stage(owner, commit_id, &part)?;
        begun = true;
        // What was staged as it will be need not be sent again.
        last.retain(|pgno, page| part.get(pgno) != Some(page));
        last.extend(
            part.iter()
                .filter(|(pgno, page)| pages.get(pgno).is_some_and(|right| right != *page))
                .map(|(&pgno, _)| (pgno, pages[&pgno].clone())),
        );
    }
    let list = list(&last);
    let request = CommitRequest {
        commit_id,
        expected_head: owner.head.txid,
        pages: &list,
        size,
        staged: begun,
        frees: false,
    };
    let committed = owner.engine.commit(&owner.lease, &request)?;
    owner.entered(pages, size, committed.head);
    Ok(committed)
}
