//! Transfers of whole files: each has a thread that owns what it works on, and is told by messages
//! what to do next. A reader borrows from its engine, so that no table of handles could keep it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use crate::admin::Fact;
use crate::encode::{Envelope, Outcome};
use crate::error::{self, ErrorPayload};
use crate::port::Port;

/// The answer to one request. Dropped without an answer it says why: a request that nobody answers
/// would keep the event loop alive for ever.
pub struct Reply {
    port: Arc<Port>,
    request: u64,
    answered: bool,
}

impl Reply {
    /// To a request of an environment.
    pub fn new(port: Arc<Port>, request: f64) -> Self {
        Self { port, request: request as u64, answered: false }
    }

    /// Answers with a fact, or with an error.
    pub fn fact(self, fact: error::Outcome<Fact>) {
        self.send(Outcome::Fact(fact));
    }

    /// Answers that it is done.
    pub fn done(self) {
        self.send(Outcome::Done);
    }

    fn send(mut self, outcome: Outcome) {
        self.answered = true;
        self.port.send(Envelope::of(self.request, outcome));
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if self.answered {
            return;
        }
        let error = match thread::panicking() {
            true => ErrorPayload::internal("a transfer panicked"),
            false => ErrorPayload::closed("storage"),
        };
        let outcome = Outcome::Fact(Err(Box::new(error)));
        self.port.send(Envelope::of(self.request, outcome));
    }
}

/// A running transfer. It ends when this is dropped, as soon as its thread comes to look.
pub struct Transfer<M> {
    /// The handle of the storage that it works on.
    pub storage: u64,
    messages: Sender<M>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl<M: Send + 'static> Transfer<M> {
    /// Starts it. `run` ends at the end of the messages, and before that if it sees the flag.
    pub fn start(
        name: &str,
        storage: u64,
        run: impl FnOnce(&Receiver<M>, &Arc<AtomicBool>) + Send + 'static,
    ) -> Self {
        let (messages, inbox) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        // Without a thread to spare all that it was to do and to answer is dropped, which answers it.
        let thread =
            thread::Builder::new().name(name.into()).spawn(move || run(&inbox, &seen)).ok();
        Self { storage, messages, stop, thread }
    }

    /// Sends a message. One that comes too late is dropped, with the reply in it.
    pub fn send(&self, message: M) {
        drop(self.messages.send(message));
    }

    /// Tells it to end.
    pub fn stop(mut self) -> Stopped {
        Stopped(self.thread.take())
    }
}

impl<M> Drop for Transfer<M> {
    fn drop(&mut self) {
        // A thread that waits is called by the end of the messages, which go next.
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// A transfer that was told to end.
pub struct Stopped(Option<JoinHandle<()>>);

impl Stopped {
    /// Waits until it has: then it holds no store any more.
    pub fn wait(self) {
        if let Some(thread) = self.0 {
            // It may have panicked, which its replies have told.
            let _ = thread.join();
        }
    }
}
