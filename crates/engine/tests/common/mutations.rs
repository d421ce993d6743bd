//! All the ways in which a row can be wrong.

use actor_sqlite_pagestore::ActorId;
use fastrand::Rng;

use super::specimen::{Specimen, key_of, row_name};

/// A change of a store behind its back.
pub struct Mutation<'a> {
    pub kind: &'static str,
    /// Which row, and where in it.
    pub what: String,
    /// Keys and their new values; `None` deletes.
    pub changes: Vec<(Vec<u8>, Option<&'a [u8]>)>,
    /// Rows of which `verify` has to name one; any at all if there is none.
    pub named: Vec<String>,
}

impl Mutation<'_> {
    /// Whether a key of that database is changed.
    pub fn touches(&self, actor: &ActorId) -> bool {
        let prefix = key_of(actor, b"");
        self.changes.iter().any(|(key, _)| key.starts_with(&prefix))
    }

    /// Whether nothing of the specimen's own is changed.
    pub fn may_be_harmless(&self, specimen: &Specimen) -> bool {
        !self.touches(&specimen.actor)
    }
}

/// Called with each mutation.
pub type Visit<'v> = dyn FnMut(Mutation<'_>) -> Result<(), String> + 'v;

/// Visits every mutation of every row of the specimen.
pub fn for_each(specimen: &Specimen, rng: &mut Rng, visit: &mut Visit<'_>) -> Result<(), String> {
    let keys = specimen.image.keys();
    let own: Vec<&Vec<u8>> =
        keys.iter().filter(|key| key.starts_with(&key_of(&specimen.actor, b""))).collect();
    for (at, key) in own.iter().enumerate() {
        let name = row_name(&specimen.actor, key).unwrap();
        let value = specimen.image.get(key).unwrap();
        flips(key, value, &name, rng, visit)?;
        cuts(key, value, &name, visit)?;
        let others =
            (1..4).map(|step| own[(at + step) % own.len()]).chain([own[rng.usize(..own.len())]]);
        for other in others.filter(|other| other != key) {
            swap(specimen, (key, other), visit)?;
        }
        moves(specimen, key, value, &name, rng, visit)?;
    }
    for (key, value) in &specimen.earlier {
        let what = row_name(&specimen.actor, key).unwrap_or_else(|| key.escape_ascii().to_string());
        let changes = vec![(key.clone(), Some(&value[..]))];
        visit(Mutation { kind: "earlier", what, changes, named: vec![] })?;
    }
    Ok(())
}

/// A bit of a byte, or each if the environment says so.
fn bits(rng: &mut Rng) -> std::ops::Range<u32> {
    let bit = rng.u32(0..8);
    if std::env::var("EVERY_BIT").is_ok() { 0..8 } else { bit..bit + 1 }
}

/// A bit of each byte of the value, or each bit.
fn flips(
    key: &[u8],
    value: &[u8],
    name: &str,
    rng: &mut Rng,
    visit: &mut Visit<'_>,
) -> Result<(), String> {
    for at in 0..value.len() {
        for bit in bits(rng) {
            let mut flipped = value.to_vec();
            flipped[at] ^= 1 << bit;
            visit(Mutation {
                kind: "flip",
                what: format!("of {name}, byte {at} bit {bit}"),
                changes: vec![(key.to_vec(), Some(&flipped))],
                named: vec![name.to_owned()],
            })?;
        }
    }
    Ok(())
}

/// Truncated, longer, all zeros.
fn cuts(key: &[u8], value: &[u8], name: &str, visit: &mut Visit<'_>) -> Result<(), String> {
    let longer = [value, &[0]].concat();
    let zeros = vec![0; value.len()];
    let truncated = (0..16).map(|sixteenth| &value[..value.len() * sixteenth / 16]);
    for cut in truncated.chain([&longer[..], &zeros]) {
        visit(Mutation {
            kind: "cut",
            what: format!("of {name} to {} bytes", cut.len()),
            changes: vec![(key.to_vec(), Some(cut))],
            named: vec![name.to_owned()],
        })?;
    }
    Ok(())
}

fn swap(
    specimen: &Specimen,
    (one, other): (&[u8], &[u8]),
    visit: &mut Visit<'_>,
) -> Result<(), String> {
    for named in [one, other] {
        let name = row_name(&specimen.actor, named).unwrap();
        visit(Mutation {
            kind: "swap",
            what: format!("with {name}"),
            changes: vec![
                (one.to_vec(), specimen.image.get(other)),
                (other.to_vec(), specimen.image.get(one)),
            ],
            named: vec![name],
        })?;
    }
    Ok(())
}

/// The row under keys that differ in one bit, and under that of the database beside: moved
/// there, and there as well. And no row.
fn moves(
    specimen: &Specimen,
    key: &[u8],
    value: &[u8],
    name: &str,
    rng: &mut Rng,
    visit: &mut Visit<'_>,
) -> Result<(), String> {
    // What a GONE row lists is named instead of it: nothing else knows of the row. Nor does anything
    // know how many chunks a file has that is still being built.
    // Without its PAST row a span is one that was given up; the accounts tell.
    let unknown =
        name.starts_with("GONE") || name.starts_with("PAST") || name.contains(&specimen.building);
    let missing: Vec<String> = if unknown { vec![] } else { vec![name.to_owned()] };
    let changes = vec![(key.to_vec(), None)];
    visit(Mutation {
        kind: "deletion",
        what: format!("of {name}"),
        changes,
        named: missing.clone(),
    })?;
    let path = &key[key_of(&specimen.actor, b"").len()..];
    let mut to = vec![key_of(&specimen.beside, path)];
    for at in 0..key.len() {
        for bit in bits(rng) {
            let mut flipped = key.to_vec();
            flipped[at] ^= 1 << bit;
            to.push(flipped);
        }
    }
    for to in to {
        let there = to.escape_ascii().to_string();
        // A row that is there already is overwritten, and that is what is named.
        let overwritten = specimen.image.get(&to).and_then(|_| row_name(&specimen.actor, &to));
        // Two index rows of one shard are one damage: where it is now, or where it was.
        let moved = row_name(&specimen.actor, &to).filter(|_| !missing.is_empty());
        visit(Mutation {
            kind: "move",
            what: format!("of {name} to {there}"),
            changes: vec![(key.to_vec(), None), (to.clone(), Some(value))],
            named: missing.iter().cloned().chain(moved).collect(),
        })?;
        visit(Mutation {
            kind: "copy",
            what: format!("of {name} to {there}"),
            changes: vec![(to, Some(value))],
            named: overwritten.into_iter().collect(),
        })?;
    }
    Ok(())
}
