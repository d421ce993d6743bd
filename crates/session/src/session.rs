//! The handle of a session.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use actor_sqlite_pagestore::ActorId;

use crate::connection::Opening;
use crate::core::Core;
use crate::gate::send;
use crate::mailbox::Work;
use crate::metrics::SessionMetrics;
use crate::{Action, Command, Host, OpenOptions, Reply, SessionError};

/// Called once with what came of opening, on a thread of the executor.
pub type OpenReply = Box<dyn FnOnce(Result<Session, SessionError>) + Send>;

/// A handle of one open database. Cheap to clone; when the last one goes, the session is closed in
/// the background, behind what is queued.
///
/// Left alone for [`OpenOptions::idle_ms`], it sleeps: SQLite's connection and the lease go, and
/// come back with the next command that needs them.
#[derive(Clone)]
pub struct Session {
    handle: Arc<Handle>,
}

struct Handle {
    core: Arc<Core>,
}

impl Session {
    /// Opens a database. Claiming it and opening the connection run on the executor; then `done`
    /// is called there. Sessions may share their options.
    pub fn open(
        host: &Host,
        actor: ActorId,
        options: impl Into<Arc<OpenOptions>>,
        done: OpenReply,
    ) {
        let opening = Opening { host: host.clone(), actor, options: options.into() };
        Core::new(opening, done).submit([Work::Open]);
    }

    pub(crate) fn of(core: Arc<Core>) -> Self {
        Self { handle: Arc::new(Handle { core }) }
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

    /// Sends the session to sleep as soon as there is nothing else to do, unless something holds it
    /// awake, however recently it was used.
    pub fn doze(&self) {
        self.handle.core.ask_to_doze();
    }

    /// Whether a transaction was open after the newest command.
    pub fn in_transaction(&self) -> bool {
        self.handle.core.in_transaction.load(Ordering::Relaxed)
    }

    /// What the session has done. Can be called after the end.
    pub fn metrics(&self) -> SessionMetrics {
        self.handle.core.metrics()
    }

    /// Whose database it is.
    pub fn actor(&self) -> &ActorId {
        &self.handle.core.opening.actor
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let command =
            Command { id: u64::MAX, action: Action::Close, transaction: None, timeout_ms: None };
        self.core.submit([Work::Command(command, Box::new(drop))]);
    }
}
