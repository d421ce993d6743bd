//! Time, passed in from the top layer so that a whole system can run deterministically in a test.

/// A source of time.
pub trait Clock: Send + Sync + 'static {
    /// Wall clock: milliseconds since the Unix epoch. May step.
    fn now_ms(&self) -> i64;
    /// Monotonic nanoseconds since any fixed point: for durations only.
    fn monotonic_ns(&self) -> u64;
}
