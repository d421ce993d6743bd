//! What a campaign did, in numbers.

use std::collections::BTreeMap;
use std::fmt;

/// Numbers by name, which add up over cases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(BTreeMap<&'static str, u64>);

impl Counts {
    /// Adds to a number.
    pub fn add(&mut self, name: &'static str, count: u64) {
        *self.0.entry(name).or_default() += count;
    }

    /// A number; 0 if nothing was added to it.
    pub fn get(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// Adds all numbers of another.
    pub fn merge(&mut self, other: &Self) {
        for (&name, &count) in &other.0 {
            self.add(name, count);
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, count)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{name}: {count}")?;
        }
        Ok(())
    }
}
