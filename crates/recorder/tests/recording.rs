//! What is recorded is what was done, and a cut leaves what was synced.

#![allow(clippy::unwrap_used, missing_docs)]

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;

use actor_sqlite_recorder::{Loss, Record, Recording, Replay};
use fastrand::Rng;

fn read(directory: &Path, name: &str) -> Option<Vec<u8>> {
    fs::read(directory.join(name)).ok()
}

fn cut(records: &[Record], at: usize, loss: Loss, seed: u64) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let mut replay = Replay::new(records);
    replay.advance(at);
    replay.cut(loss, &mut Rng::with_seed(seed), directory.path()).unwrap();
    directory
}

/// One of everything, with a mark after each step.
fn work(root: &Path, recording: &Recording) {
    let mut file = File::create(root.join("a")).unwrap();
    file.write_all(&[1; 1_000]).unwrap();
    file.write_all(&[2; 1_000]).unwrap();
    recording.mark(b"written");
    file.sync_data().unwrap();
    File::open(root).unwrap().sync_all().unwrap();
    recording.mark(b"synced");
    file.write_all_at(&[3; 100], 500).unwrap();
    file.set_len(1_200).unwrap();
    recording.mark(b"changed");
    let mut temporary =
        OpenOptions::new().create_new(true).write(true).open(root.join("t")).unwrap();
    temporary.write_all(b"pointer").unwrap();
    temporary.sync_all().unwrap();
    fs::rename(root.join("t"), root.join("current")).unwrap();
    fs::remove_file(root.join("a")).unwrap();
    recording.mark(b"renamed");
    fs::hard_link(root.join("current"), root.join("linked")).unwrap();
    fs::create_dir(root.join("sub")).unwrap();
    fs::write(root.join("sub/b"), b"b").unwrap();
    recording.mark(b"end");
}

fn recorded() -> Option<Vec<Record>> {
    if !Recording::is_possible() {
        eprintln!("skipped: nothing is recorded on this platform");
        return None;
    }
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("before"), b"before").unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let recording = Recording::start(root.path()).unwrap();
    fs::write(elsewhere.path().join("x"), b"x").unwrap();
    work(root.path(), &recording);
    let records = recording.finish();
    fs::write(root.path().join("after"), b"after").unwrap();
    Some(records)
}

fn after(records: &[Record], mark: &[u8]) -> usize {
    records.iter().position(|record| *record == Record::Mark(mark.to_vec())).unwrap()
}

#[test]
fn everything_kept_is_the_directory_as_it_was() {
    let Some(records) = recorded() else { return };
    let end = cut(&records, records.len(), Loss::Nothing, 1);
    let root = end.path();
    assert_eq!(read(root, "before").unwrap(), b"before");
    assert_eq!(read(root, "a"), None);
    assert_eq!(read(root, "current").unwrap(), b"pointer");
    assert_eq!(read(root, "linked").unwrap(), b"pointer");
    assert_eq!(read(root, "sub/b").unwrap(), b"b");
    assert_eq!((read(root, "t"), read(root, "x"), read(root, "after")), (None, None, None));
    let changed = cut(&records, after(&records, b"changed"), Loss::Nothing, 1);
    let expected = [[1; 500].as_slice(), &[3; 100], &[1; 400], &[2; 200]].concat();
    assert!(read(changed.path(), "a").unwrap() == expected);
}

#[test]
fn everything_lost_is_what_was_synced() {
    let Some(records) = recorded() else { return };
    let written = cut(&records, after(&records, b"written"), Loss::Everything, 1);
    assert_eq!(read(written.path(), "before").unwrap(), b"before");
    assert_eq!(read(written.path(), "a"), None);
    let synced = [[1; 1_000], [2; 1_000]].concat();
    for mark in [b"synced".as_slice(), b"changed", b"renamed", b"end"] {
        let image = cut(&records, after(&records, mark), Loss::Everything, 1);
        assert!(read(image.path(), "a").unwrap() == synced);
        assert_eq!(read(image.path(), "current"), None);
    }
}

#[test]
fn losses_in_between_keep_what_was_synced_and_the_order_of_names() {
    let Some(records) = recorded() else { return };
    let renamed = after(&records, b"renamed");
    let (mut contents, mut names) = (Vec::new(), Vec::new());
    for seed in 0..200 {
        let loss = Loss::ALL[2 + seed as usize % 4];
        let image = cut(&records, renamed, loss, seed);
        let (old, new) = (read(image.path(), "a"), read(image.path(), "current"));
        // The removal came after the rename.
        assert!(old.is_some() || new.is_some());
        assert!(new.is_none_or(|new| new == b"pointer"), "it was synced under its first name");
        if let Some(old) = old {
            assert!(old[..500].iter().all(|byte| *byte == 1));
            assert!(old[500..600].iter().all(|byte| *byte == 1 || *byte == 3));
            assert!(old.len() == 2_000 || old.len() == 1_200);
            contents.push(old);
        }
        names.push((read(image.path(), "t").is_some(), image.path().join("a").exists()));
    }
    contents.sort();
    contents.dedup();
    assert!(contents.len() >= 4, "{} contents", contents.len());
    names.sort_unstable();
    names.dedup();
    assert_eq!(names, [(false, false), (false, true), (true, true)]);
}
