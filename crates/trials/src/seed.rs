//! Where randomness comes from.

/// The seed of a random test: `SEED` from the environment, or a fresh one. Printed, so that a
/// failure can be run again.
pub fn seed(test: &str) -> u64 {
    let seed = std::env::var("SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| fastrand::u64(..));
    println!("{test}: SEED={seed}");
    seed
}
