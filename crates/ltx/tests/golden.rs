//! Files written once, in `golden/ltx`, that every later version must read.

#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/golden.rs"]
mod golden;

use std::path::PathBuf;

use actor_sqlite_ltx::decode_index;
use golden::Golden;

fn read(name: &str) -> Vec<u8> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../golden/ltx");
    std::fs::read(directory.join(name)).unwrap()
}

#[test]
fn golden_files_are_read_for_ever() {
    for Golden { name, header, pages, post_apply, .. } in golden::files() {
        let file = read(&name);
        let (verified, found) = common::decode(&file).unwrap();
        assert_eq!(verified.header, header, "{name}");
        assert_eq!(found, pages, "{name}");
        assert_eq!(verified.trailer.post_apply, post_apply, "{name}");
        assert_eq!(decode_index(&file).unwrap(), verified.frames, "{name}");
    }
}

/// Fails when LZ4 or the encoder writes other bytes. Where that is meant and still the same
/// format, it calls for new files beside the old ones, never for new bytes in the old ones.
#[test]
fn golden_files_are_written_as_ever() {
    for golden in golden::files() {
        assert!(golden.encode() == read(&golden.name), "{}", golden.name);
    }
}

#[test]
fn every_golden_file_is_known() {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../golden/ltx");
    let mut stored: Vec<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".ltx"))
        .collect();
    stored.sort();
    let mut known: Vec<String> = golden::files().into_iter().map(|golden| golden.name).collect();
    known.sort();
    assert_eq!(stored, known);
}
