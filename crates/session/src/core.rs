//! What the handles of a session, the executor and its timers share; turns on the executor.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use actor_sqlite_pagestore::Ticket;

use crate::connection::{Connection, Kept, Opening, open};
use crate::control::Control;
use crate::executor::{Doze, Slice, Task, Turn};
use crate::gate::{Durability, Gate, send};
use crate::mailbox::{Deadline, Letter, Mailbox, Work};
use crate::metrics::{Counters, SessionMetrics, Sight};
use crate::session::{OpenReply, Session};
use crate::{Action, Answer, Command, Executor, Reply, SessionError};

/// A turn ends after so many commands, or so long, whichever is first.
const SLICE_COMMANDS: usize = 64;
const SLICE_NS: u64 = 2_000_000;

/// A session. Small, as a process may have a million of them: what only an awake one needs is in
/// its connection.
pub(crate) struct Core {
    pub(crate) opening: Opening,
    pub(crate) mailbox: Mailbox,
    pub(crate) control: Arc<Control>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) gate: Arc<Gate>,
    /// Taken for a whole turn, and by nobody else while the executor runs.
    life: Mutex<Life>,
    /// For metrics, also after the end.
    pub(crate) sight: Mutex<Sight>,
    pub(crate) in_transaction: AtomicBool,
    /// The time of the earliest timer that is set, `u64::MAX` without one.
    timer_ns: AtomicU64,
    /// Until when no command is taken, as the store is behind.
    hold_until_ns: AtomicU64,
    /// When the newest turn ended.
    pub(crate) used_ns: AtomicU64,
    /// It has a seat at the executor.
    pub(crate) seated: AtomicBool,
}

pub(crate) enum Life {
    New(OpenReply),
    Open(Box<Connection>),
    Asleep(Box<Kept>),
    Dead(Box<SessionError>),
    Closed,
}

impl Core {
    pub(crate) fn new(opening: Opening, done: OpenReply) -> Arc<Self> {
        let control = Arc::new(Control::new(opening.host.clock.clone()));
        Arc::new(Self {
            mailbox: Mailbox::new(control.clone(), opening.options.queue_max),
            control,
            counters: Arc::default(),
            gate: Gate::new(opening.host.store.clone()),
            life: Mutex::new(Life::New(done)),
            sight: Mutex::default(),
            in_transaction: AtomicBool::new(false),
            timer_ns: AtomicU64::new(u64::MAX),
            hold_until_ns: AtomicU64::new(0),
            used_ns: AtomicU64::new(0),
            seated: AtomicBool::new(false),
            opening,
        })
    }

    pub(crate) fn executor(&self) -> &Executor {
        &self.opening.host.executor
    }

    pub(crate) fn now_ns(&self) -> u64 {
        self.opening.host.clock.monotonic_ns()
    }

    pub(crate) fn metrics(&self) -> SessionMetrics {
        let (vfs, asleep) = {
            let sight = self.sight();
            (sight.vfs(), sight.asleep)
        };
        SessionMetrics { asleep, ..self.counters.snapshot(vfs, self.mailbox.depth()) }
    }

    pub(crate) fn sight(&self) -> MutexGuard<'_, Sight> {
        self.sight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn submit(self: &Arc<Self>, works: impl IntoIterator<Item = Work>) {
        let now_ns = self.now_ns();
        let letters = works.into_iter().map(|work| Letter {
            deadline: self.deadline(&work, now_ns),
            work,
            submitted_ns: now_ns,
        });
        let (wake, refused) = self.mailbox.put(letters);
        for (reply, error) in refused {
            send(reply, Err(error));
        }
        if wake {
            self.schedule();
        }
    }

    fn deadline(&self, work: &Work, now_ns: u64) -> Option<Deadline> {
        let Work::Command(command, _) = work else { return None };
        let timeout_ms = command.timeout_ms.or(self.opening.options.timeout_ms)?;
        if Letter::must_run(work) {
            return None;
        }
        let at_ns = now_ns.saturating_add(timeout_ms.saturating_mul(1_000_000));
        Some(Deadline { at_ns, timeout_ms })
    }

    fn schedule(self: &Arc<Self>) {
        if !self.executor().enqueue(self.clone()) {
            self.wind_up();
        }
    }

    /// After the executor's end: closes the database here and now, and refuses what waits.
    fn wind_up(self: &Arc<Self>) {
        let mut life = self.life();
        self.end(&mut life, Life::Closed);
        loop {
            self.mailbox.lift();
            while let Some(letter) = self.mailbox.next() {
                if let Work::Command(command, reply) = letter.work {
                    if matches!(command.action, Action::Close) {
                        self.gate.pass(self.gate.newest(), true, reply, Ok(Answer::Done));
                        self.gate.sync_in_background();
                    } else {
                        send(reply, Err(SessionError::Closed));
                    }
                }
            }
            if !self.mailbox.rest() {
                return;
            }
        }
    }

    pub(crate) fn life(&self) -> MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does one thing, and hands its answer to the gate.
    fn handle(self: &Arc<Self>, life: &mut Life, mut letter: Letter) {
        let mut unanswered = Unanswered::take(&mut letter);
        let started_ns = self.now_ns();
        self.counters.wait_ns.add(started_ns.saturating_sub(letter.submitted_ns));
        match letter.work {
            Work::Open => self.open(life),
            Work::Command(command, _) => {
                let wait = self.opening.options.durability == Durability::Strict
                    || matches!(command.action, Action::Durable | Action::Close);
                let deadline = letter.deadline;
                let (result, ticket) = self.command(life, command, deadline, started_ns);
                self.counters.errors.add(u64::from(result.is_err()));
                if let Some(reply) = unanswered.0.take() {
                    self.gate.pass(ticket, wait, reply, result);
                }
            }
        }
        let ended_ns = self.now_ns();
        self.counters.duration_ns.add(ended_ns.saturating_sub(started_ns));
    }

    fn open(self: &Arc<Self>, life: &mut Life) {
        if !matches!(life, Life::New(_)) {
            return;
        }
        let Life::New(done) = std::mem::replace(life, Life::Closed) else { return };
        let opened = guarded(|| open(&self.opening, &self.control, &self.counters));
        let result = match opened.unwrap_or_else(Err) {
            Ok(connection) => {
                self.begin(life, connection);
                Ok(Session::of(self.clone()))
            }
            Err(error) => Err(error),
        };
        let _ = catch_unwind(AssertUnwindSafe(|| done(result)));
    }

    /// Runs a command, and tells what its answer rests on.
    fn command(
        self: &Arc<Self>,
        life: &mut Life,
        command: Command,
        deadline: Option<Deadline>,
        now_ns: u64,
    ) -> (Result<Answer, SessionError>, Ticket) {
        if let (Life::Open(_) | Life::Asleep(_), Some(error)) = (&*life, self.gate.failed()) {
            self.end(life, Life::Dead(Box::new(error.into())));
        }
        if matches!(command.action, Action::Close) {
            // What was answered before it was durable must have become so.
            let ticket = match life {
                Life::Open(connection) => connection.ticket(),
                _ => self.gate.newest(),
            };
            self.end(life, Life::Closed);
            return (Ok(Answer::Done), ticket);
        }
        match life {
            Life::Open(_) | Life::Asleep(_) => {}
            Life::Dead(error) => return (Err((**error).clone()), Ticket::ZERO),
            Life::New(_) | Life::Closed => return (Err(SessionError::Closed), Ticket::ZERO),
        }
        if let Some(Deadline { at_ns, timeout_ms }) = deadline {
            if at_ns <= now_ns {
                return (Err(SessionError::Timeout { timeout_ms }), Ticket::ZERO);
            }
            self.control.limit(at_ns, timeout_ms);
        }
        if let Life::Asleep(kept) = life
            && let Some(answer) = in_sleep(kept, &command.action)
        {
            return (Ok(answer), kept.ticket);
        }
        let connection = match self.wake_up(life) {
            Ok(connection) => connection,
            Err(error) => return (Err(error), Ticket::ZERO),
        };
        connection.expire_transaction(now_ns);
        let result = guarded(|| connection.perform(command));
        let ticket = connection.ticket();
        self.in_transaction.store(connection.in_transaction(), Ordering::Relaxed);
        let dead = match &result {
            Err(panicked) => Some(panicked.clone()),
            Ok(Err(_)) => connection.dead(),
            Ok(Ok(_)) => None,
        };
        self.hold(connection);
        if let Some(error) = dead {
            self.end(life, Life::Dead(Box::new(error)));
        }
        (result.unwrap_or_else(Err), ticket)
    }

    /// Lets the connection go: statements, what is not committed, the lease.
    pub(crate) fn end(&self, life: &mut Life, end: Life) {
        self.in_transaction.store(false, Ordering::Relaxed);
        match life {
            Life::Open(_) => self.executor().let_go(false),
            Life::Asleep(_) => {
                self.executor().slept();
                self.sight().asleep = false;
            }
            Life::New(_) | Life::Dead(_) | Life::Closed => {}
        }
        let before = std::mem::replace(life, end);
        // A connection that panicked may do so again.
        let _ = catch_unwind(AssertUnwindSafe(|| match before {
            Life::New(done) => done(Err(match life {
                Life::Dead(error) => (**error).clone(),
                _ => SessionError::Closed,
            })),
            before => drop(before),
        }));
    }

    /// After a commit for which the store asks to wait: no further command is taken until then. No
    /// thread waits, and closing does not.
    fn hold(&self, connection: &Connection) {
        let back_off_us = connection.mount().take_back_off_us();
        if back_off_us == 0 {
            return;
        }
        let counters = self.executor().sleep_counters();
        counters.back_offs.fetch_add(1, Ordering::Relaxed);
        counters.back_off_us.fetch_add(back_off_us.into(), Ordering::Relaxed);
        let until_ns = self.now_ns().saturating_add(u64::from(back_off_us) * 1000);
        self.hold_until_ns.store(until_ns, Ordering::Relaxed);
        self.mailbox.hold();
    }

    /// Sets a timer for the end of the open transaction's time and for that of a hold, unless an
    /// earlier one is set.
    fn set_timer(self: &Arc<Self>, life: &Life) {
        let transaction = match life {
            Life::Open(connection) => connection.transaction_deadline_ns(),
            _ => None,
        };
        let hold = Some(self.hold_until_ns.load(Ordering::Relaxed)).filter(|_| self.mailbox.held());
        let Some(at_ns) = transaction.into_iter().chain(hold).min() else { return };
        if at_ns < self.timer_ns.load(Ordering::Relaxed) {
            self.timer_ns.store(at_ns, Ordering::Relaxed);
            let task: Weak<dyn Task> = Arc::<Self>::downgrade(self);
            if !self.executor().wake_at(at_ns, task) {
                self.timer_ns.store(u64::MAX, Ordering::Relaxed);
                self.mailbox.lift();
            }
        }
    }
}

impl Core {
    /// Runs commands until none is left or the turn is over.
    fn turn(self: &Arc<Self>, life: &mut Life, turn: &Turn<'_>) {
        self.mailbox.begin();
        let started_ns = self.now_ns();
        if self.hold_until_ns.load(Ordering::Relaxed) <= started_ns {
            self.mailbox.lift();
        }
        if let Life::Open(connection) = life {
            connection.mount().enter();
            connection.expire_transaction(started_ns);
            self.in_transaction.store(connection.in_transaction(), Ordering::Relaxed);
        }
        for _ in 0..SLICE_COMMANDS {
            let Some(letter) = self.mailbox.next() else { break };
            turn.step();
            self.handle(life, letter);
            // Whoever runs on does not let answers wait for the end of the turn.
            if self.gate.unsynced() && !self.mailbox.is_empty() {
                self.gate.sync_in_background();
            }
            let now_ns = self.now_ns();
            self.used_ns.store(now_ns, Ordering::Relaxed);
            if turn.lent() || now_ns.saturating_sub(started_ns) > SLICE_NS {
                break;
            }
        }
        self.set_timer(life);
    }
}

impl Task for Core {
    fn run(self: Arc<Self>, turn: &Turn<'_>) -> Slice {
        let mut life = self.life();
        if let Err(error) = guarded(|| self.turn(&mut life, turn)) {
            self.end(&mut life, Life::Dead(Box::new(error)));
        }
        drop(life);
        let unsynced = self.gate.unsynced().then(|| self.gate.clone());
        Slice { again: self.mailbox.rest(), unsynced }
    }

    fn wake(self: Arc<Self>) {
        self.timer_ns.store(u64::MAX, Ordering::Relaxed);
        if self.mailbox.ask_for_turn() {
            self.schedule();
        }
    }

    fn idle_at_ns(&self) -> u64 {
        self.idle_at()
    }

    fn doze(self: Arc<Self>, why: Doze) -> Slice {
        self.fall_asleep(why)
    }
}

/// Does what needs no connection, if it is that.
fn in_sleep(kept: &mut Kept, action: &Action) -> Option<Answer> {
    match action {
        Action::Durable | Action::CloseCursor(_) => Some(Answer::Done),
        Action::Finalize(id) => kept.finalize(*id),
        _ => None,
    }
}

/// The reply of the command that runs, answered whatever happens to it.
struct Unanswered(Option<Reply>);

impl Unanswered {
    fn take(letter: &mut Letter) -> Self {
        match &mut letter.work {
            Work::Open => Self(None),
            Work::Command(_, reply) => Self(Some(std::mem::replace(reply, Box::new(drop)))),
        }
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if let Some(reply) = self.0.take() {
            let reason = "the command panicked".into();
            send(reply, Err(SessionError::Panicked { reason }));
        }
    }
}

/// Stops a panic, and makes an error of it.
pub(crate) fn guarded<T>(run: impl FnOnce() -> T) -> Result<T, SessionError> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        SessionError::Panicked { reason: text.unwrap_or_else(|| "unknown".into()) }
    })
}
