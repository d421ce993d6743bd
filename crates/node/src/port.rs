//! The way back to JavaScript: one threadsafe function an environment, one call for all that is
//! ready.
//!
//! Any thread pushes; only the push that finds the inbox empty wakes the environment, and that one
//! call drains all that has gathered until then, but for so many rows that the event loop would
//! stand still for them: these go over in parts, a part a turn.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use napi::bindgen_prelude::{Function, Unknown};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Result, Status, sys};

use crate::encode::{Drained, Envelope};

type Wake = ThreadsafeFunction<(), Unknown<'static>, Drained, Status, false, true, 0>;

/// What is ready for an environment.
#[derive(Default)]
struct Inbox {
    envelopes: Mutex<VecDeque<Envelope>>,
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Envelope>> {
        // A push or a swap leaves the list whole whatever happens.
        self.envelopes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The sending end, shared by all threads.
pub struct Port {
    inbox: Arc<Inbox>,
    wake: Wake,
}

impl Port {
    /// Makes the threadsafe function. It does not keep the event loop alive until `hold`.
    pub fn new(
        callback: &Function<'_, Drained, Unknown<'static>>,
        connection: u64,
    ) -> Result<Self> {
        let inbox = Arc::new(Inbox::default());
        let drained = Arc::clone(&inbox);
        let wake = callback
            .build_threadsafe_function::<()>()
            .callee_handled::<false>()
            .weak::<true>()
            .build_callback(move |_| {
                let envelopes = mem::take(&mut *drained.lock());
                Ok(Drained { connection, envelopes })
            })?;
        Ok(Self { inbox, wake })
    }

    /// Hands over what came of a request. After the environment has ended it is dropped.
    pub fn send(&self, envelope: Envelope) {
        let was_empty = {
            let mut envelopes = self.inbox.lock();
            envelopes.push_back(envelope);
            envelopes.len() == 1
        };
        if was_empty {
            self.wake();
        }
    }

    /// Takes back what a drain left over, to be drained in a later turn of the event loop.
    pub fn put_back(&self, mut rest: VecDeque<Envelope>) {
        let mut envelopes = self.inbox.lock();
        rest.append(&mut envelopes);
        *envelopes = rest;
        drop(envelopes);
        self.wake();
    }

    fn wake(&self) {
        // Fails only when the environment is closing: nobody is left to be told.
        let _ = self.wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
    }

    /// Keeps the event loop alive, or stops to. On the environment's own thread only.
    pub fn hold(&self, env: &Env, alive: bool) {
        self.wake.handle.with_read_aborted(|aborted| {
            if aborted {
                return;
            }
            let raw = self.wake.handle.get_raw();
            // SAFETY: the handle's lock is held and says the function was not finalized, so `raw`
            // is live; `env` is the environment that made it, as this is its thread.
            unsafe {
                if alive {
                    sys::napi_ref_threadsafe_function(env.raw(), raw);
                } else {
                    sys::napi_unref_threadsafe_function(env.raw(), raw);
                }
            }
        });
    }
}
