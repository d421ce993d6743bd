//! Sleeping: an idle session gives up its connection, and the next command brings it back.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use actor_sqlite_pagestore::StoreError;

use crate::SessionError;
use crate::connection::{Connection, Held, Kept, reopen};
use crate::core::{Core, Life, guarded};
use crate::executor::{Doze, Slice, Task};

/// When what was learnt since a session was opened is kept for the next time.
const HINTS_NS: u64 = 2_000_000_000;
/// Idle times are rounded up to a part of the time that makes a session idle: the next power of two
/// above 1 / 16, but not below a millisecond.
const IDLE_SHIFT: u32 = 4;
const IDLE_ROUND_NS: u64 = 1 << 20;

impl Core {
    fn task(self: &Arc<Self>) -> Weak<dyn Task> {
        Arc::<Self>::downgrade(self)
    }

    /// Takes a new connection.
    pub(crate) fn begin<'life>(
        self: &Arc<Self>,
        life: &'life mut Life,
        connection: Connection,
    ) -> &'life mut Connection {
        let now_ns = self.now_ns();
        self.used_ns.store(now_ns, Ordering::Relaxed);
        self.sight().show(connection.mount().clone());
        connection.mount().enter();
        self.executor().hint_at(now_ns.saturating_add(HINTS_NS), self.task());
        if self.opening.options.idle_ms.is_some() && !self.seated.swap(true, Ordering::Relaxed) {
            self.executor().seat(self.idle_at(), self.task());
        }
        *life = Life::Open(Box::new(connection));
        self.executor().awoke();
        match life {
            Life::Open(connection) => connection,
            _ => unreachable!("it was opened just now"),
        }
    }

    /// When it will have been idle for long enough.
    pub(crate) fn idle_at(&self) -> u64 {
        self.idle_after(self.used_ns.load(Ordering::Relaxed))
    }

    fn idle_after(&self, used_ns: u64) -> u64 {
        let Some(idle_ms) = self.opening.options.idle_ms else { return u64::MAX };
        let idle_ns = idle_ms.saturating_mul(1_000_000);
        let round_ns = (idle_ns >> IDLE_SHIFT).next_power_of_two().max(IDLE_ROUND_NS);
        let at_ns = used_ns.saturating_add(idle_ns);
        at_ns.checked_next_multiple_of(round_ns).unwrap_or(u64::MAX)
    }

    pub(crate) fn ask_to_doze(self: &Arc<Self>) {
        self.executor().ask_to_doze(self.task());
    }

    /// A request to doze. It comes to nothing when the session has something to do.
    pub(crate) fn fall_asleep(self: &Arc<Self>, why: Doze) -> Slice {
        let seated = matches!(why, Doze::Idle | Doze::Crowded);
        if !self.mailbox.claim() {
            self.count_held(Held::Command);
            if seated {
                self.sit_again();
            }
            return Slice { again: false, unsynced: None };
        }
        let mut life = self.life();
        if let Err(error) = guarded(|| self.lie_down(&mut life, why)) {
            self.end(&mut life, Life::Dead(Box::new(error)));
        }
        // Under the lock of its life: who wakes it takes a seat only if it has none.
        match *life {
            _ if !seated => {}
            Life::Open(_) => self.sit_again(),
            _ => self.seated.store(false, Ordering::Relaxed),
        }
        drop(life);
        Slice { again: self.mailbox.rest(), unsynced: None }
    }

    /// Held, or used again: not to be asked at once.
    fn sit_again(self: &Arc<Self>) {
        let at_ns = self.idle_at().max(self.idle_after(self.now_ns()));
        self.executor().seat(at_ns, self.task());
    }

    fn lie_down(&self, life: &mut Life, why: Doze) {
        let Life::Open(connection) = life else { return };
        let now_ns = self.now_ns();
        match why {
            Doze::Hints => {
                connection.mount().end_wake();
                return connection.mount().save_hints();
            }
            Doze::Idle if self.idle_at() > now_ns => return,
            Doze::Idle | Doze::Crowded | Doze::Asked => {}
        }
        match self.kept(connection) {
            Ok(kept) => self.sleep(life, kept),
            Err(held) => self.count_held(held),
        }
    }

    fn kept(&self, connection: &Connection) -> Result<Kept, Held> {
        if self.gate.holds_answers() {
            return Err(Held::Answer);
        }
        connection.keep()
    }

    fn sleep(&self, life: &mut Life, kept: Kept) {
        // The last moment: whoever comes now finds it awake.
        if !self.mailbox.is_empty() {
            return self.count_held(Held::Command);
        }
        let Life::Open(connection) = std::mem::replace(life, Life::Closed) else { return };
        self.executor().let_go(true);
        *life = Life::Asleep(Box::new(connection.let_go(kept)));
        self.sight().hide();
        self.mailbox.shrink();
        self.gate.shrink();
        self.executor().sleep_counters().sleeps.fetch_add(1, Ordering::Release);
    }

    fn count_held(&self, held: Held) {
        let counters = self.executor().sleep_counters();
        match held {
            Held::Command => &counters.held_by_command,
            Held::Transaction => &counters.held_by_transaction,
            Held::Cursor => &counters.held_by_cursor,
            Held::Temp => &counters.held_by_temp,
            Held::Answer => &counters.held_by_answer,
            Held::Failed => &counters.held_by_failure,
        }
        .fetch_add(1, Ordering::Relaxed);
    }

    /// The connection, opened anew if the session sleeps. After an error that a later try may not
    /// meet it sleeps on.
    pub(crate) fn wake_up<'life>(
        self: &Arc<Self>,
        life: &'life mut Life,
    ) -> Result<&'life mut Connection, SessionError> {
        if let Life::Asleep(kept) = life {
            let counters = self.executor().sleep_counters();
            let started_ns = self.now_ns();
            let opened = guarded(|| reopen(&self.opening, &self.control, &self.counters, kept));
            match opened {
                Ok(Ok(connection)) => {
                    counters.wakes.fetch_add(1, Ordering::Relaxed);
                    self.counters.wakes.add(1);
                    self.executor().slept();
                    self.begin(life, connection);
                    let took_ns = self.now_ns().saturating_sub(started_ns);
                    counters.wake_ns.fetch_add(took_ns, Ordering::Relaxed);
                }
                Ok(Err(error)) | Err(error) => {
                    counters.wake_failures.fetch_add(1, Ordering::Relaxed);
                    if is_final(&error) {
                        self.end(life, Life::Dead(Box::new(error.clone())));
                    }
                    return Err(error);
                }
            }
        }
        match life {
            Life::Open(connection) => Ok(connection),
            _ => Err(SessionError::Closed),
        }
    }
}

/// Whether a session that could not wake for this reason never will.
fn is_final(error: &SessionError) -> bool {
    !matches!(
        error,
        SessionError::Store(
            StoreError::Unavailable { .. }
                | StoreError::Corrupt { .. }
                | StoreError::Limit { .. }
                | StoreError::Quota { .. }
                | StoreError::Full { .. }
                | StoreError::Invalid { .. },
        ) | SessionError::Sqlite { .. }
            | SessionError::Unusable { .. }
    )
}
