//! The suite that each driver runs.
