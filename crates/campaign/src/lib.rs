//! What the campaigns of faults share: seeds, cases on all cores, shrinking, and sabotage.
//!
//! A campaign is a number of cases. A case is a seed; its workload is a list of operations that
//! follows from the seed alone, so that a case that fails can be run again, and with fewer
//! operations, until the shortest list is found that still fails. Ships nowhere.

#![forbid(unsafe_code)]

mod campaign;
mod counts;
mod sabotage;
mod shrink;

pub use campaign::{Campaign, caught};
pub use counts::Counts;
pub use sabotage::Sabotage;
pub use shrink::{Shrunk, shrink};
