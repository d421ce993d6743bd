//! The commands of a session that wait for their turn.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::control::Control;
use crate::{Action, Command, Reply, SessionError};

/// One thing to do.
pub(crate) struct Letter {
    pub(crate) work: Work,
    pub(crate) submitted_ns: u64,
    /// When its time is over, and how long it had.
    pub(crate) deadline: Option<Deadline>,
}

#[derive(Clone, Copy)]
pub(crate) struct Deadline {
    pub(crate) at_ns: u64,
    pub(crate) timeout_ms: u64,
}

pub(crate) enum Work {
    /// Claim the database and open the connection.
    Open,
    Command(Command, Reply),
}

impl Letter {
    fn id(&self) -> Option<u64> {
        match &self.work {
            Work::Open => None,
            Work::Command(command, _) => Some(command.id),
        }
    }

    fn is_close(&self) -> bool {
        matches!(&self.work, Work::Command(Command { action: Action::Close, .. }, _))
    }

    /// Whether it gives something back: refused, that would be held for ever.
    pub(crate) fn must_run(work: &Work) -> bool {
        use Action::{Close, CloseCursor, Finalize, Rollback};
        let Work::Command(Command { action, .. }, _) = work else { return false };
        matches!(action, Close | CloseCursor(_) | Finalize(_) | Rollback)
    }
}

pub(crate) struct Mailbox {
    inner: Mutex<Inner>,
    control: Arc<Control>,
    queue_max: usize,
}

#[derive(Default)]
struct Inner {
    queue: VecDeque<Letter>,
    /// The session is in the executor's queue or runs.
    scheduled: bool,
    /// Somebody asked for a turn while one was under way.
    wanted: bool,
    running: Option<u64>,
    /// Nothing but a close is taken any more.
    aborted: bool,
    /// What waits goes on waiting.
    held: bool,
    depth_max: usize,
}

/// What `put` did not take, to be answered without the lock.
pub(crate) type Refused = Vec<(Reply, SessionError)>;

impl Mailbox {
    pub(crate) fn new(control: Arc<Control>, queue_max: usize) -> Self {
        Self { inner: Mutex::default(), control, queue_max }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes letters in order. True if the session must be handed to the executor.
    pub(crate) fn put(&self, letters: impl Iterator<Item = Letter>) -> (bool, Refused) {
        let mut refused = Refused::new();
        let mut inner = self.lock();
        for letter in letters {
            let waiting = inner.queue.len();
            let full = waiting >= self.queue_max && !Letter::must_run(&letter.work);
            let closed = inner.aborted && !letter.is_close();
            inner.held &= !letter.is_close();
            match letter.work {
                Work::Command(_, reply) if closed => refused.push((reply, SessionError::Closed)),
                Work::Command(_, reply) if full => {
                    refused.push((reply, SessionError::QueueFull { waiting }));
                }
                _ => inner.queue.push_back(letter),
            }
        }
        inner.depth_max = inner.depth_max.max(inner.queue.len());
        let work = !inner.queue.is_empty() && !inner.held;
        (work && !std::mem::replace(&mut inner.scheduled, true), refused)
    }

    /// Takes the session out of everybody's reach, if it has nothing to do.
    pub(crate) fn claim(&self) -> bool {
        let mut inner = self.lock();
        inner.queue.is_empty() && !std::mem::replace(&mut inner.scheduled, true)
    }

    /// Lets what waits wait until [`Self::lift`], unless a close is among it.
    pub(crate) fn hold(&self) {
        let mut inner = self.lock();
        inner.held = !inner.queue.iter().any(Letter::is_close);
    }

    pub(crate) fn held(&self) -> bool {
        self.lock().held
    }

    /// To be called in a turn, whose end looks for what waits.
    pub(crate) fn lift(&self) {
        self.lock().held = false;
    }

    /// Gives up memory that letters of before took.
    pub(crate) fn shrink(&self) {
        self.lock().queue.shrink_to_fit();
    }

    /// Asks for a turn without a letter. True if the session must be handed to the executor.
    pub(crate) fn ask_for_turn(&self) -> bool {
        let mut inner = self.lock();
        inner.wanted = true;
        !std::mem::replace(&mut inner.scheduled, true)
    }

    /// A turn begins, with all that was asked for.
    pub(crate) fn begin(&self) {
        self.lock().wanted = false;
    }

    /// The next letter, whose command counts as running until the next call.
    pub(crate) fn next(&self) -> Option<Letter> {
        let mut inner = self.lock();
        let letter = if inner.held { None } else { inner.queue.pop_front() };
        inner.running = letter.as_ref().and_then(Letter::id);
        self.control.begin();
        letter
    }

    /// The turn is over: no command runs. True if more is waiting; else the session is out of the
    /// executor's hands until the next `put`.
    pub(crate) fn rest(&self) -> bool {
        let mut inner = self.lock();
        inner.running = None;
        let work = !inner.queue.is_empty() && !inner.held;
        inner.scheduled = std::mem::take(&mut inner.wanted) || work;
        inner.scheduled
    }

    /// Stops the running command of that id, or takes a waiting one out, whose reply is returned.
    pub(crate) fn interrupt(&self, id: Option<u64>) -> Option<Reply> {
        let mut inner = self.lock();
        if inner.running.is_some() && (id.is_none() || id == inner.running) {
            self.control.interrupt();
            return None;
        }
        let at = inner
            .queue
            .iter()
            .position(|letter| id.is_some() && letter.id() == id && !letter.is_close())?;
        match inner.queue.remove(at)?.work {
            Work::Command(_, reply) => Some(reply),
            Work::Open => None,
        }
    }

    /// Stops what runs, and takes all out but closes; later ones are refused.
    pub(crate) fn abort(&self) -> Refused {
        let mut inner = self.lock();
        inner.aborted = true;
        self.control.abort();
        let mut refused = Refused::new();
        for letter in std::mem::take(&mut inner.queue) {
            let close = letter.is_close();
            match letter.work {
                Work::Command(_, reply) if !close => refused.push((reply, SessionError::Closed)),
                _ => inner.queue.push_back(letter),
            }
        }
        refused
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().queue.is_empty()
    }

    /// How many wait, and the most that ever did.
    pub(crate) fn depth(&self) -> (usize, usize) {
        let inner = self.lock();
        (inner.queue.len(), inner.depth_max)
    }
}
