//! Keeping commits and maintenance in step: when a database becomes a candidate, how long its
//! owner is asked to wait, and what holds a commit up in the end.
//!
//! Four marks, by the number of deltas above the watermark and by their bytes. At the *trigger* a
//! database takes its place in the queue. Beyond the *soft limit* each commit is answered with a
//! back-off, which the owner keeps without holding anything; as are those of one that crowds others
//! out ([`super::crowd`]). *Near the hard limit* a commit folds
//! some deltas itself first if nobody works on its database; if maintenance does, it goes on. At
//! the *hard limit* it waits for that, and is refused if it takes too long.

use std::time::Duration;

use actor_sqlite_pagestore::{CommitId, StoreError};

use super::queue::Turn;
use super::{Compaction, Fold};
use crate::Engine;
use crate::lease::{LeaseState, Pending, View};

/// How often a commit at the hard limit folds before it is refused.
const TRIES: usize = 4;
/// The part of the hard limit that is left for commits while maintenance works: one in this many.
const MARGIN: u64 = 8;

/// How far the deltas of a database have piled up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Pile {
    Low,
    Near,
    Full,
}

impl Engine {
    /// Puts a database into the queue if it has enough deltas, and says how long its owner should
    /// wait before the next commit, in microseconds.
    pub(crate) fn note_debt(&self, state: &LeaseState) -> u32 {
        let options = &self.options.compaction;
        let (count, bytes) = {
            let view = state.view();
            (view.open_deltas.count(), self.counted_bytes(&view))
        };
        if count >= options.delta_count || bytes >= options.delta_bytes {
            self.enqueue(&state.db.actor);
        }
        let by_count = excess(count, options.soft_delta_count, options.hard_delta_count);
        let by_bytes = excess(bytes, options.soft_delta_bytes, options.hard_delta_bytes);
        let by_debt =
            (u64::from(options.back_off_max_us) * by_count.max(by_bytes)).div_ceil(EXCESS_MAX);
        let back_off_us = by_debt.max(self.crowded_us(state)) as u32;
        if back_off_us == 0 {
            return 0;
        }
        self.metrics.commits_delayed.add(1);
        self.metrics.back_off_us.add(u64::from(back_off_us));
        back_off_us
    }

    /// How long an owner should wait so that it does not crowd others out.
    fn crowded_us(&self, state: &LeaseState) -> u64 {
        let gap_ns = u64::from(self.options.compaction.crowded_gap_us) * 1_000;
        let mut crowd = state.crowd();
        if gap_ns == 0 || !crowd.note(self.metrics.commits.get()) {
            return 0;
        }
        crowd.space(self.clock.monotonic_ns(), gap_ns).as_micros() as u64
    }

    /// Whether a database whose owner is idle or gone has enough deltas for a turn.
    pub(crate) fn is_worth_an_idle_turn(&self, deltas: u64) -> bool {
        deltas >= self.options.compaction.idle_delta_count + self.lazy_fold().keep_txids
    }

    /// Lets a commit fold some deltas first if there are far too many. A compaction that fails does
    /// not fail the commit as long as the limit holds: the pages are as readable as before.
    ///
    /// No lock is held meanwhile, and the work is bounded by `inline_bytes_max`: it is done on a
    /// thread that other databases need too.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when another thread kept the turn for too long; the failure of
    /// the compaction when the limit would not hold.
    pub(crate) fn hold_back(&self, state: &LeaseState, id: CommitId) -> Result<(), StoreError> {
        let pile = self.pile(state);
        if pile == Pile::Low || may_have_landed(state, id) {
            return Ok(());
        }
        let actor = &state.db.actor;
        let wait = match pile {
            Pile::Full => Duration::from_millis(self.options.compaction.hard_wait_ms),
            _ => Duration::ZERO,
        };
        if pile == Pile::Full {
            self.metrics.commits_held_back.add(1);
        }
        let Some(turn) = self.turn_within(actor, wait) else {
            if pile == Pile::Full {
                self.metrics.commits_refused.add(1);
                return Err(too_far_behind());
            }
            return Ok(());
        };
        if pile == Pile::Near {
            self.metrics.commits_held_back.add(1);
        }
        self.fold_inline(state, &turn).inspect_err(|_| self.metrics.commits_refused.add(1))
    }

    fn fold_inline(&self, state: &LeaseState, turn: &Turn<'_>) -> Result<(), StoreError> {
        let fold = Fold::all(self.options.compaction.inline_bytes_max);
        let mut failure = None;
        for _ in 0..TRIES {
            if self.pile(state) == Pile::Low {
                return Ok(());
            }
            match self.compact_in(turn, fold) {
                Ok(Compaction::Installed { .. }) if self.pile(state) < Pile::Full => return Ok(()),
                Ok(Compaction::Installed { .. }) => continue,
                Ok(_) => {}
                Err(error) => failure = Some(error),
            }
            // Another process may have moved the watermark without this one being told.
            let mut writer = state.writer();
            if !self.refresh(state, &mut writer)? {
                break;
            }
        }
        // The first commit of a database is never folded alone, however large it is.
        let lone = state.view().open_deltas.count() <= 1;
        if lone || self.pile(state) < Pile::Full {
            return Ok(());
        }
        Err(failure.unwrap_or_else(too_far_behind))
    }

    fn pile(&self, state: &LeaseState) -> Pile {
        let options = &self.options.compaction;
        let view = state.view();
        let (count, bytes) = (view.open_deltas.count(), self.counted_bytes(&view));
        let near = |limit: u64| limit - limit / MARGIN;
        if count >= options.hard_delta_count || bytes >= options.hard_delta_bytes {
            Pile::Full
        } else if count >= near(options.hard_delta_count) || bytes >= near(options.hard_delta_bytes)
        {
            Pile::Near
        } else {
            Pile::Low
        }
    }

    /// Bytes of the open deltas as the limits count them. A single large one is not held against
    /// its owner in full: there is nothing that waiting would make smaller.
    fn counted_bytes(&self, view: &View) -> u64 {
        let options = &self.options.compaction;
        let bytes = view.open_deltas.bytes();
        if bytes < options.soft_delta_bytes.min(options.hard_delta_bytes / 4) {
            return bytes;
        }
        view.open_deltas.bytes_at_most(options.hard_delta_bytes / 4)
    }
}

/// The excess at the hard limit.
const EXCESS_MAX: u64 = 1 << 10;

/// How far an amount is on its way from one limit to another: 0 to [`EXCESS_MAX`].
fn excess(amount: u64, soft: u64, hard: u64) -> u64 {
    let Some(beyond) = amount.checked_sub(soft).filter(|&beyond| beyond > 0) else { return 0 };
    let way = hard.saturating_sub(soft).max(1);
    let excess = u128::from(beyond) * u128::from(EXCESS_MAX) / u128::from(way);
    u64::try_from(excess).unwrap_or(EXCESS_MAX).clamp(1, EXCESS_MAX)
}

/// Whether the answer to a commit may be that it took place: that must not wait for maintenance, and
/// a refusal would say that nothing was changed.
fn may_have_landed(state: &LeaseState, id: CommitId) -> bool {
    let writer = state.writer();
    match &writer.pending {
        Some(Pending::Commit(commit)) => commit.head.row.commit_id == id,
        _ => writer.last == Some(id),
    }
}

fn too_far_behind() -> StoreError {
    let reason = "too many commits wait for a compaction that is under way".into();
    StoreError::Unavailable { reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_excess_rises_from_the_soft_limit_to_the_hard_one() {
        assert_eq!(excess(10, 10, 20), 0);
        assert_eq!(excess(15, 10, 20), EXCESS_MAX / 2);
        assert_eq!(excess(20, 10, 20), EXCESS_MAX);
        assert_eq!(excess(u64::MAX, 10, 20), EXCESS_MAX);
        assert_eq!(excess(11, 10, u64::MAX), 1);
        assert_eq!(excess(11, 10, 5), EXCESS_MAX);
    }
}
