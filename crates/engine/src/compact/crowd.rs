//! Spacing the commits of one database while others commit as well.
//!
//! A database that has many commits in flight takes all the processor there is, in bursts whenever it
//! has room again, and commits of all others wait behind each burst. So while it is not alone its
//! commits are spaced evenly, by the generic cell rate algorithm (ITU-T I.371): each moves the time at
//! which the next is due, and an owner that is ahead of that by more than a step is asked to wait. One
//! that waits for each commit is slower than that by itself.

use std::time::Duration;

/// Whether a database is alone is looked at after so many commits of its own,
const WINDOW: u64 = 32;
/// and it is not if others made as many meanwhile.
const CROWD: u64 = 2;

/// How far ahead an owner may be. Its waits are not much more exact than that.
const STEP_NS: u64 = 1_000_000;
/// How far behind it may fall, by a wait that took longer, and catch up.
const CREDIT_NS: u64 = 2_000_000;

/// What is known of one database.
#[derive(Debug, Default)]
pub(crate) struct Crowd {
    /// Commits of it since it was looked at, and those of all databases then.
    own: u64,
    mark: u64,
    is_crowded: bool,
    /// When its next commit is due.
    due_ns: u64,
}

impl Crowd {
    /// Notes a commit, when `total` were made in all: whether the database is among others.
    pub(crate) fn note(&mut self, total: u64) -> bool {
        self.own += 1;
        if self.own >= WINDOW {
            // Nothing is known of the time before the first look.
            let since = if self.mark == 0 { 0 } else { total.saturating_sub(self.mark) };
            self.is_crowded = since >= self.own + CROWD;
            (self.own, self.mark) = (0, total);
        }
        self.is_crowded
    }

    /// How long the owner should wait after a commit among others, made at a monotonic time.
    pub(crate) fn space(&mut self, now_ns: u64, gap_ns: u64) -> Duration {
        self.due_ns = self.due_ns.max(now_ns.saturating_sub(CREDIT_NS)) + gap_ns;
        let ahead_ns = self.due_ns.saturating_sub(now_ns);
        Duration::from_nanos(if ahead_ns >= STEP_NS { ahead_ns } else { 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP_NS: u64 = 200_000;

    /// Commits as fast as it may, each taking `each_ns`, while others make one for `others` of its own.
    fn commits_in_a_second(each_ns: u64, others: u64) -> u64 {
        let (mut crowd, mut now_ns, mut own, mut total) = (Crowd::default(), 0, 0, 0);
        while now_ns < 1_000_000_000 {
            own += 1;
            total += 1 + u64::from(own % others == 0);
            now_ns += each_ns;
            if crowd.note(total) {
                now_ns += crowd.space(now_ns, GAP_NS).as_nanos() as u64;
            }
        }
        own
    }

    #[test]
    fn one_that_is_alone_is_left_alone() {
        assert_eq!(commits_in_a_second(50_000, u64::MAX), 20_000);
    }

    #[test]
    fn one_among_others_is_spaced_evenly() {
        let commits = commits_in_a_second(50_000, 5);
        assert!((5_000..=5_100).contains(&commits), "{commits}");
    }

    #[test]
    fn one_that_waits_for_each_commit_is_not_slowed() {
        assert_eq!(commits_in_a_second(250_000, 5), 4_000);
    }

    #[test]
    fn a_wait_that_took_longer_is_made_up_for() {
        let (mut crowd, mut now_ns, mut own) = (Crowd::default(), 0, 0);
        while now_ns < 1_000_000_000 {
            own += 1;
            now_ns += 50_000;
            let wait_ns = match crowd.note(own * 2) {
                true => crowd.space(now_ns, GAP_NS).as_nanos() as u64,
                false => 0,
            };
            now_ns += if wait_ns > 0 { wait_ns + 700_000 } else { 0 };
        }
        assert!((4_900..=5_100).contains(&own), "{own}");
    }
}
