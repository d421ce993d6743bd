//! Comparing the books of a database with each other.

use actor_sqlite_ltx::Txid;

use super::books::Books;
use super::{Check, Step};
use crate::heads::Heads;
use crate::keys::RowId;
use crate::rows::RootRow;

impl Check<'_> {
    pub(super) fn compare(&mut self, books: &Books, heads: &Heads) -> Step<()> {
        self.compare_commits(books, heads);
        self.compare_stages(books, heads)?;
        self.compare_gone(books, &heads.root.row);
        self.compare_past(books, &heads.root.row);
        self.compare_content(books, heads)
    }

    /// Each state above what was reclaimed has a page index, and there are no others.
    fn compare_commits(&mut self, books: &Books, heads: &Heads) {
        let (root, head) = (heads.root.row, heads.head.row.head);
        let (first, last) = (root.reclaimed_through.next(), head.txid);
        for &txid in books.commits.keys().filter(|&&txid| txid < first || txid > last) {
            self.damage(RowId::Pidx { txid }, "it is outside the states that are kept");
        }
        for txid in (first.get()..=last.get()).map(Txid::new) {
            let row = RowId::Pidx { txid };
            let Some(entry) = books.commits.get(&txid) else {
                if self.unnamed(row) {
                    self.damage(row, "it is missing");
                }
                continue;
            };
            if txid == root.watermark && entry.state != (root.size, root.checksum) {
                self.damage(RowId::Root, "it contradicts the page index at its watermark");
            }
            if txid == last && entry.state != (head.size, head.checksum) {
                self.damage(RowId::Head, "it contradicts the page index of its txid");
            }
        }
    }

    /// Each `GONE` row is of a compaction that was installed, and `BUILD` of the one that was not.
    fn compare_gone(&mut self, books: &Books, root: &RootRow) {
        for (&(at, shard), &as_of) in &books.gone {
            if at > root.watermark || as_of >= at {
                let row = RowId::Gone { at, shard };
                self.damage(row, "it is of a compaction that ROOT does not know");
            }
        }
        let building = root.building != Txid::ZERO;
        let as_of = books.build.as_ref().map_or(Txid::ZERO, |build| build.as_of);
        if as_of != root.building && (books.build.is_some() || self.unnamed(RowId::Build)) {
            let reason = if building { "it is missing or of another time" } else { "it is old" };
            self.damage(RowId::Build, reason);
        }
    }

    /// Each earlier watermark leads to the next one, and the last to that of `ROOT`.
    fn compare_past(&mut self, books: &Books, root: &RootRow) {
        let ends = books.past.keys().copied().skip(1).chain(std::iter::once(root.watermark));
        for ((&watermark, past), end) in books.past.iter().zip(ends) {
            let row = RowId::Past { watermark };
            let next = RowId::Past { watermark: past.next };
            if past.next < end && self.unnamed(next) {
                self.damage(next, "it is missing");
            } else if past.next > end {
                self.damage(row, format!("it leads to {} where {end} comes next", past.next));
            }
            if watermark < root.reclaimed_through {
                self.damage(row, "what its states need is deleted");
            }
            let entry = books.commits.get(&watermark);
            if entry.is_some_and(|entry| entry.state != (past.size, past.checksum)) {
                self.damage(row, "it contradicts the page index of its txid");
            }
        }
    }
}
