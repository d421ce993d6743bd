//! The handle of a session, and its turns on the executor.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use actor_sqlite_pagestore::{ActorId, Clock, Ticket};
use actor_sqlite_vfs::{Mount, VfsMetrics};

use crate::connection::{Connection, Opening, open};
use crate::control::Control;
use crate::executor::{Slice, Task, Turn};
use crate::gate::{Durability, Gate, send};
use crate::mailbox::{Deadline, Letter, Mailbox, Work};
use crate::metrics::{Counters, SessionMetrics};
use crate::{Action, Answer, Command, Executor, Host, OpenOptions, Reply, SessionError};

/// A turn ends after so many commands, or so long, whichever is first.
const SLICE_COMMANDS: usize = 64;
const SLICE_NS: u64 = 2_000_000;

/// Called once with what came of opening, on a thread of the executor.
pub type OpenReply = Box<dyn FnOnce(Result<Session, SessionError>) + Send>;

/// A handle of one open database. Cheap to clone; when the last one goes, the session is closed in
/// the background, behind what is queued.
#[derive(Clone)]
pub struct Session {
    handle: Arc<Handle>,
}

struct Handle {
    core: Arc<Core>,
}

/// What the handles, the executor and its timers share.
struct Core {
    actor: ActorId,
    executor: Arc<Executor>,
    clock: Arc<dyn Clock>,
    durability: Durability,
    timeout_ms: Option<u64>,
    mailbox: Mailbox,
    control: Arc<Control>,
    counters: Arc<Counters>,
    gate: Arc<Gate>,
    /// Taken for a whole turn, and by nobody else while the executor runs.
    life: Mutex<Life>,
    /// For metrics, also after the end.
    mount: OnceLock<Arc<Mount>>,
    in_transaction: AtomicBool,
    /// The time of the earliest timer that is set, `u64::MAX` without one.
    timer_ns: AtomicU64,
}

enum Life {
    New(Box<(Opening, OpenReply)>),
    Open(Box<Connection>),
    Dead(SessionError),
    Closed,
}

impl Session {
    /// Opens a database. Claiming it and opening the connection run on the executor; then `done`
    /// is called there.
    pub fn open(host: &Host, actor: ActorId, options: OpenOptions, done: OpenReply) {
        let control = Arc::new(Control::new(host.clock.clone()));
        let core = Arc::new(Core {
            actor: actor.clone(),
            executor: host.executor.clone(),
            clock: host.clock.clone(),
            durability: options.durability,
            timeout_ms: options.timeout_ms,
            mailbox: Mailbox::new(control.clone(), options.queue_max),
            control,
            counters: Arc::default(),
            gate: Gate::new(host.store.clone()),
            mount: OnceLock::new(),
            in_transaction: AtomicBool::new(false),
            timer_ns: AtomicU64::new(u64::MAX),
            life: Mutex::new(Life::New(Box::new((
                Opening { host: host.clone(), actor, options },
                done,
            )))),
        });
        core.submit([Work::Open]);
    }

    /// Queues a command. Never blocks; a command that is not taken is answered here and now.
    pub fn submit(&self, command: Command, reply: Reply) {
        self.handle.core.submit([Work::Command(command, reply)]);
    }

    /// Queues commands in order, with one wake-up for all.
    pub fn submit_all(&self, commands: Vec<(Command, Reply)>) {
        let works = commands.into_iter().map(|(command, reply)| Work::Command(command, reply));
        self.handle.core.submit(works);
    }

    /// Stops the running command of that id, or takes a waiting one out of the queue, which is
    /// answered here and now. With `None` whatever runs. Never stops a later command, nor a close.
    pub fn interrupt(&self, command_id: Option<u64>) {
        let core = &self.handle.core;
        if let Some(reply) = core.mailbox.interrupt(command_id) {
            send(reply, Err(SessionError::Interrupted));
        }
    }

    /// Stops the running command, refuses all that wait and all that come with
    /// [`SessionError::Closed`], but for [`Action::Close`], which is still needed. Those that
    /// wait are answered here and now. What is being committed or undone comes to its end.
    pub fn abort(&self) {
        for (reply, error) in self.handle.core.mailbox.abort() {
            send(reply, Err(error));
        }
    }

    /// Whether a transaction was open after the newest command.
    pub fn in_transaction(&self) -> bool {
        self.handle.core.in_transaction.load(Ordering::Relaxed)
    }

    /// What the session has done. Can be called after the end.
    pub fn metrics(&self) -> SessionMetrics {
        let core = &self.handle.core;
        let vfs = core.mount.get().map_or_else(VfsMetrics::default, |mount| mount.metrics());
        core.counters.snapshot(vfs, core.mailbox.depth())
    }

    /// Whose database it is.
    pub fn actor(&self) -> &ActorId {
        &self.handle.core.actor
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let command =
            Command { id: u64::MAX, action: Action::Close, transaction: None, timeout_ms: None };
        self.core.submit([Work::Command(command, Box::new(drop))]);
    }
}

impl Core {
    fn submit(self: &Arc<Self>, works: impl IntoIterator<Item = Work>) {
        let now_ns = self.clock.monotonic_ns();
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
        let timeout_ms = command.timeout_ms.or(self.timeout_ms)?;
        if Letter::must_run(work) {
            return None;
        }
        let at_ns = now_ns.saturating_add(timeout_ms.saturating_mul(1_000_000));
        Some(Deadline { at_ns, timeout_ms })
    }

    fn schedule(self: &Arc<Self>) {
        if !self.executor.enqueue(self.clone()) {
            self.wind_up();
        }
    }

    /// After the executor's end: closes the database here and now, and refuses what waits.
    fn wind_up(self: &Arc<Self>) {
        let mut life = self.life();
        self.end(&mut life, Life::Closed);
        loop {
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

    fn life(&self) -> MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does one thing, and hands its answer to the gate.
    fn handle(self: &Arc<Self>, life: &mut Life, mut letter: Letter) {
        let mut unanswered = Unanswered::take(&mut letter);
        let started_ns = self.clock.monotonic_ns();
        self.counters.wait_ns.add(started_ns.saturating_sub(letter.submitted_ns));
        match letter.work {
            Work::Open => self.open(life),
            Work::Command(command, _) => {
                let wait = self.durability == Durability::Strict
                    || matches!(command.action, Action::Durable | Action::Close);
                let deadline = letter.deadline;
                let (result, ticket) = self.command(life, command, deadline, started_ns);
                self.counters.errors.add(u64::from(result.is_err()));
                if let Some(reply) = unanswered.0.take() {
                    self.gate.pass(ticket, wait, reply, result);
                }
            }
        }
        let ended_ns = self.clock.monotonic_ns();
        self.counters.duration_ns.add(ended_ns.saturating_sub(started_ns));
    }

    fn open(self: &Arc<Self>, life: &mut Life) {
        let Life::New(new) = std::mem::replace(life, Life::Closed) else { return };
        let (opening, done) = *new;
        let opened = guarded(|| open(opening, &self.control, &self.counters));
        let result = match opened.unwrap_or_else(Err) {
            Ok(connection) => {
                let _ = self.mount.set(connection.mount().clone());
                *life = Life::Open(Box::new(connection));
                Ok(Session { handle: Arc::new(Handle { core: self.clone() }) })
            }
            Err(error) => Err(error),
        };
        let _ = catch_unwind(AssertUnwindSafe(|| done(result)));
    }

    /// Runs a command, and tells what its answer rests on.
    fn command(
        &self,
        life: &mut Life,
        command: Command,
        deadline: Option<Deadline>,
        now_ns: u64,
    ) -> (Result<Answer, SessionError>, Ticket) {
        if let (Life::Open(_), Some(error)) = (&*life, self.gate.failed()) {
            self.end(life, Life::Dead(error.into()));
        }
        let connection = match life {
            Life::Open(connection) => connection,
            _ if matches!(command.action, Action::Close) => {
                // What was answered before it was durable must have become so.
                self.end(life, Life::Closed);
                return (Ok(Answer::Done), self.gate.newest());
            }
            Life::Dead(error) => return (Err(error.clone()), Ticket::ZERO),
            Life::New(_) | Life::Closed => return (Err(SessionError::Closed), Ticket::ZERO),
        };
        if matches!(command.action, Action::Close) {
            let ticket = connection.ticket();
            self.end(life, Life::Closed);
            return (Ok(Answer::Done), ticket);
        }
        if let Some(Deadline { at_ns, timeout_ms }) = deadline {
            if at_ns <= now_ns {
                return (Err(SessionError::Timeout { timeout_ms }), Ticket::ZERO);
            }
            self.control.limit(at_ns, timeout_ms);
        }
        connection.expire_transaction(now_ns);
        let result = guarded(|| connection.perform(command));
        let ticket = connection.ticket();
        self.in_transaction.store(connection.in_transaction(), Ordering::Relaxed);
        let dead = match &result {
            Err(panicked) => Some(panicked.clone()),
            Ok(Err(_)) => connection.dead(),
            Ok(Ok(_)) => None,
        };
        if let Some(error) = dead {
            self.end(life, Life::Dead(error));
        }
        (result.unwrap_or_else(Err), ticket)
    }

    /// Lets the connection go: statements, what is not committed, the lease.
    fn end(&self, life: &mut Life, end: Life) {
        self.in_transaction.store(false, Ordering::Relaxed);
        let before = std::mem::replace(life, end);
        // A connection that panicked may do so again.
        let _ = catch_unwind(AssertUnwindSafe(|| match before {
            Life::New(new) => (new.1)(Err(match life {
                Life::Dead(error) => error.clone(),
                _ => SessionError::Closed,
            })),
            before => drop(before),
        }));
    }

    /// Sets a timer for the end of the open transaction's time, unless an earlier one is set.
    fn set_timer(self: &Arc<Self>, life: &Life) {
        let Life::Open(connection) = life else { return };
        let Some(deadline_ns) = connection.transaction_deadline_ns() else { return };
        if deadline_ns < self.timer_ns.load(Ordering::Relaxed) {
            self.timer_ns.store(deadline_ns, Ordering::Relaxed);
            let task: Weak<dyn Task> = Arc::<Self>::downgrade(self);
            self.executor.wake_at(deadline_ns, task);
        }
    }
}

impl Core {
    /// Runs commands until none is left or the turn is over.
    fn turn(self: &Arc<Self>, life: &mut Life, turn: &Turn<'_>) {
        let started_ns = self.clock.monotonic_ns();
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
            if turn.lent() || self.clock.monotonic_ns().saturating_sub(started_ns) > SLICE_NS {
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
            self.end(&mut life, Life::Dead(error));
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
fn guarded<T>(run: impl FnOnce() -> T) -> Result<T, SessionError> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        SessionError::Panicked { reason: text.unwrap_or_else(|| "unknown".into()) }
    })
}
