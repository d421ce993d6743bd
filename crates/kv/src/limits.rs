//! Checking a batch against a store's limits.

use crate::{Batch, KvError, Limits, Write};

impl Limits {
    /// Refuses a batch that holds a key or a value that is too large, or is too large itself.
    /// Drivers call it before anything else, so that nothing of a refused batch is written.
    ///
    /// # Errors
    /// [`KvError::TooLarge`] naming the first offender.
    pub fn check(&self, batch: &Batch<'_>) -> Result<(), KvError> {
        for guard in &batch.guards {
            at_most("key", guard.key.len(), self.key_bytes_max)?;
        }
        for write in &batch.writes {
            match write {
                Write::Put { key, value } => {
                    at_most("key", key.len(), self.key_bytes_max)?;
                    at_most("value", value.len(), self.value_bytes_max)?;
                }
                Write::Delete { key } => at_most("key", key.len(), self.key_bytes_max)?,
                Write::Add { key, deltas } => {
                    at_most("key", key.len(), self.key_bytes_max)?;
                    at_most("value", deltas.len() * size_of::<i64>(), self.value_bytes_max)?;
                }
                Write::DeleteRange { start, end } => {
                    at_most("key", start.len(), self.key_bytes_max)?;
                    at_most("key", end.len(), self.key_bytes_max)?;
                }
            }
        }
        at_most("batch", batch.bytes(), self.batch_bytes_max)
    }
}

fn at_most(what: &'static str, bytes: usize, limit: usize) -> Result<(), KvError> {
    if bytes > limit { Err(KvError::TooLarge { what, bytes, limit }) } else { Ok(()) }
}
