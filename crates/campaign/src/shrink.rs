//! Finding the shortest list of operations that still fails.

use std::fmt;

/// A failure with as few operations as were found to be enough for one.
#[derive(Clone, Debug)]
pub struct Shrunk<Op> {
    /// None can be left out without the failure going away.
    pub ops: Vec<Op>,
    /// What goes wrong with these; it may be another failure than that of the full list.
    pub failure: String,
    /// How often the workload was run.
    pub runs: usize,
}

/// Leaves out halves, quarters and so on down to single operations, as long as `run` still fails.
/// `None` if it does not fail with all of them.
pub fn shrink<Op: Clone>(
    ops: &[Op],
    run: impl Fn(&[Op]) -> Result<(), String>,
) -> Option<Shrunk<Op>> {
    let failure = run(ops).err()?;
    let mut found = Shrunk { ops: ops.to_vec(), failure, runs: 1 };
    let mut step = ops.len().div_ceil(2).max(1);
    loop {
        let shorter = leave_out(&mut found, step, &run);
        if step == 1 && !shorter {
            return Some(found);
        }
        step = (step / 2).max(1);
    }
}

/// One pass over the list, from its end. Whether anything could be left out.
fn leave_out<Op: Clone>(
    found: &mut Shrunk<Op>,
    step: usize,
    run: &impl Fn(&[Op]) -> Result<(), String>,
) -> bool {
    let before = found.ops.len();
    let mut end = before;
    while end > 0 {
        let start = end.saturating_sub(step);
        let fewer = [&found.ops[..start], &found.ops[end..]].concat();
        found.runs += 1;
        if let Err(failure) = run(&fewer) {
            (found.ops, found.failure) = (fewer, failure);
        }
        end = start;
    }
    found.ops.len() < before
}

impl<Op: fmt::Debug> fmt::Display for Shrunk<Op> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.failure)?;
        writeln!(f, "smallest workload found, in {} runs:", self.runs)?;
        for (at, op) in self.ops.iter().enumerate() {
            writeln!(f, "  {at}: {op:?}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_what_is_needed_stays() {
        let ops: Vec<u32> = (0..200).collect();
        let needs = |ops: &[u32]| {
            let all = [3, 70, 71, 199].iter().all(|op| ops.contains(op));
            if all { Err("there".to_owned()) } else { Ok(()) }
        };
        let shrunk = shrink(&ops, needs).unwrap();
        assert_eq!(shrunk.ops, [3, 70, 71, 199]);
        assert!(shrunk.runs < 100, "{}", shrunk.runs);
        assert!(shrink(&ops, |_| Ok(())).is_none());
        assert!(shrink(&ops, |_| Err(String::new())).unwrap().ops.is_empty());
    }
}
