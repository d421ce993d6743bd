//! The official `ltx` tool as a second opinion: it reads what we write, we read what it writes,
//! and a table says which of the two notices what.
//!
//! Needs Go. The tool is built once into `bin` of the directory `ACTOR_SQLITE_CACHE_DIR`, or of
//! `~/.cache/actor-sqlite`. Without it the tests say so and pass, unless
//! `ACTOR_SQLITE_REQUIRE_TOOLS` is set.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use actor_sqlite_ltx::{
    Checksum, Encoder, Header, Limits, PageSize, Pgno, Txid, merge, page_checksum, verify,
};
use common::forge::{Forge, ForgedPage, index};
use common::{Model, PAGE_SIZES, Random, decode, page_size, pgno};
use tempfile::TempDir;

const VERSION: &str = "v0.5.3";

/// The tool, built if need be; `None` where it cannot be had.
fn tool() -> Option<&'static Path> {
    static TOOL: OnceLock<Option<PathBuf>> = OnceLock::new();
    TOOL.get_or_init(|| match install() {
        Ok(tool) => Some(tool),
        Err(reason) => {
            let required = std::env::var_os("ACTOR_SQLITE_REQUIRE_TOOLS").is_some();
            assert!(!required, "official ltx tool: {reason}");
            // Past the test harness, which hides what a passing test prints.
            let _ = writeln!(std::io::stderr(), "official ltx tool: skipped, {reason}");
            None
        }
    })
    .as_deref()
}

fn install() -> Result<PathBuf, String> {
    let cache = std::env::var_os("ACTOR_SQLITE_CACHE_DIR").map(PathBuf::from);
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/actor-sqlite"));
    let cache = cache.or_else(home).ok_or("there is no home directory")?;
    let directory = cache.join("bin").join(format!("ltx-{VERSION}"));
    let tool = directory.join("ltx");
    if Command::new("go").arg("version").output().is_err() {
        return Err("go is not installed".into());
    }
    if !tool.exists() {
        std::fs::create_dir_all(&directory).map_err(|error| error.to_string())?;
        let output = Command::new("go")
            .args(["install", &format!("github.com/superfly/ltx/cmd/ltx@{VERSION}")])
            .env("GOBIN", &directory)
            .output()
            .map_err(|error| error.to_string())?;
        if !output.status.success() {
            return Err(format!("go install: {}", String::from_utf8_lossy(&output.stderr)));
        }
    }
    Ok(tool)
}

/// A directory for one test, and the tool run in it.
struct Bench {
    tool: &'static Path,
    directory: TempDir,
}

impl Bench {
    fn new() -> Option<Self> {
        Some(Self { tool: tool()?, directory: TempDir::new().unwrap() })
    }

    fn write(&self, name: &str, bytes: &[u8]) -> String {
        std::fs::write(self.directory.path().join(name), bytes).unwrap();
        name.to_owned()
    }

    fn write_all(&self, prefix: &str, files: &[Vec<u8>]) -> Vec<String> {
        let name = |i| format!("{prefix}-{i}.ltx");
        files.iter().enumerate().map(|(i, file)| self.write(&name(i), file)).collect()
    }

    fn run(&self, arguments: &[&str], files: &[String]) -> Output {
        let directory = self.directory.path();
        let mut command = Command::new(self.tool);
        command.args(arguments).args(files).current_dir(directory).output().unwrap()
    }

    fn succeed(&self, arguments: &[&str], files: &[String]) -> String {
        let output = self.run(arguments, files);
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        assert!(output.status.success(), "ltx {arguments:?} {files:?}: {text}");
        text
    }

    /// Applies files to a new database and compares it, and its checksum, with the model.
    fn check_apply(&self, files: &[String], model: &Model) {
        let _ = std::fs::remove_file(self.directory.path().join("out.db"));
        self.succeed(&["apply", "-db", "out.db"], files);
        let database = std::fs::read(self.directory.path().join("out.db")).unwrap();
        assert!(database == model.image(), "the tool made another database");
        let sum = self.succeed(&["checksum", "out.db"], &[]);
        assert_eq!(sum, model.checksum().to_string());
    }
}

type Pages = BTreeMap<Pgno, Vec<u8>>;

/// Makes page 1 a database header in which the tool finds what it wants to know, and which
/// changes with each transaction.
fn as_database(page_size: PageSize, txid: u32, commit: u32, dirty: &mut Pages) {
    let stored = if page_size == PageSize::MAX { 1 } else { page_size.get() as u16 };
    let first = dirty.entry(Pgno::ONE).or_insert_with(|| vec![0; page_size.bytes()]);
    first[..16].copy_from_slice(b"SQLite format 3\0");
    first[16..18].copy_from_slice(&stored.to_be_bytes());
    first[24..28].copy_from_slice(&txid.to_be_bytes());
    first[28..32].copy_from_slice(&commit.to_be_bytes());
}

/// A history that grows, stays, shrinks and grows again, with the state after each transaction.
fn history(page_size: PageSize, random: &mut Random) -> (Vec<Vec<u8>>, Vec<Model>) {
    let mut model = Model::new(page_size);
    let (mut files, mut states) = (Vec::new(), Vec::new());
    for commit in [1, 9, 9, 4, 7, 7, 2, 12] {
        let mut dirty = Pages::new();
        for number in 1..=commit {
            if number > model.commit || random.one_in(3) {
                dirty.insert(pgno(number), random.page(page_size.bytes()));
            }
        }
        as_database(page_size, states.len() as u32, commit, &mut dirty);
        files.push(model.commit(dirty, commit));
        states.push(model.clone());
    }
    (files, states)
}

#[test]
fn it_applies_our_snapshots_deltas_shards_and_merges() {
    let Some(bench) = Bench::new() else { return };
    let mut random = Random::seeded(31);
    for bytes in PAGE_SIZES {
        let (files, states) = history(page_size(bytes), &mut random);
        let last = states.len() - 1;
        let deltas = bench.write_all(&format!("delta-{bytes}"), &files);
        bench.succeed(&["verify"], &deltas);
        for end in 0..=last {
            bench.check_apply(&deltas[..=end], &states[end]);
        }

        let as_of = &states[4];
        let shards = [as_of.shard(5..=8), as_of.shard(1..=4)];
        let shards = bench.write_all(&format!("shard-{bytes}"), &shards);
        bench.succeed(&["verify"], &shards);
        bench.check_apply(&shards, as_of);
        bench.check_apply(&[shards, deltas[5..].to_vec()].concat(), &states[last]);

        let slices: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
        let merged = [&slices[..3], &slices[3..]];
        let merged = merged.map(|files| merge(files, Limits::default()).unwrap());
        let merged = bench.write_all(&format!("merged-{bytes}"), &merged);
        bench.succeed(&["verify"], &merged);
        bench.check_apply(&merged, &states[last]);
    }
    println!("applied {} page sizes to the byte", PAGE_SIZES.len());
}

#[test]
fn it_refuses_to_skip_one_of_our_deltas() {
    let Some(bench) = Bench::new() else { return };
    let (files, _) = history(PageSize::MIN, &mut Random::new(32));
    let mut deltas = bench.write_all("delta", &files);
    for left_out in 0..files.len() - 1 {
        let mut gap = deltas.clone();
        gap.remove(left_out);
        let output = bench.run(&["apply", "-db", &format!("gap-{left_out}.db")], &gap);
        assert!(!output.status.success(), "a gap at {left_out} was applied");
    }
    deltas.swap(3, 4);
    assert!(!bench.run(&["apply", "-db", "swapped.db"], &deltas).status.success());
}

#[test]
fn we_read_the_snapshots_it_writes() {
    let Some(bench) = Bench::new() else { return };
    let mut random = Random::seeded(33);
    for bytes in PAGE_SIZES {
        let (_, states) = history(page_size(bytes), &mut random);
        let model = &states[states.len() - 1];
        bench.write("in.db", &model.image());
        bench.succeed(&["encode-db", "-o", "out.ltx", "in.db"], &[]);
        let file = std::fs::read(bench.directory.path().join("out.ltx")).unwrap();
        let (verified, pages) = decode(&file).unwrap();
        assert_eq!(pages, model.pages);
        assert_eq!(verified.trailer.post_apply, model.checksum());
        assert_eq!(actor_sqlite_ltx::decode_index(&file).unwrap(), verified.frames);
    }
}

#[test]
fn it_reads_our_snapshot_around_the_lock_page() {
    let Some(bench) = Bench::new() else { return };
    let size = PageSize::MAX;
    let commit = size.lock_page().get() + 1;
    let (page, mut sum) = (vec![0; size.bytes()], Checksum::EMPTY_DATABASE);
    let mut file = Vec::new();
    let header = Header::new(size, commit, Txid::new(1), Txid::new(1));
    let mut encoder = Encoder::new(header, &mut file).unwrap();
    for pgno in (1..=commit).map(pgno).filter(|&pgno| pgno != size.lock_page()) {
        let checksum = page_checksum(pgno, &page);
        sum = sum.toggle(checksum);
        encoder.page(pgno, &page, checksum, &mut file).unwrap();
    }
    encoder.finish(sum, &mut file).unwrap();
    let file = bench.write("lock.ltx", &file);
    bench.succeed(&["verify"], &[file]);
}

/// 512 bytes of 2 as an LZ4 frame, in the form of releases before v0.5.2 (pierrec/lz4 v4.1.23).
const LEGACY_PAGE: [u8; 43] = [
    0x04, 0x22, 0x4d, 0x18, 0x64, 0x70, 0xb9, 0x18, 0x00, 0x00, 0x00, 0x1f, 0x02, 0x01, 0x00, 0xff,
    0xda, 0x00, 0x02, 0x00, 0x00, 0x02, 0x00, 0xb0, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02,
    0x02, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00, 0x55, 0xf0, 0x22, 0x15,
];

/// What is wrong with a file, whether the official tool refuses it, and the file.
type Case = (&'static str, bool, Vec<u8>);

fn page(number: u32) -> ForgedPage {
    ForgedPage::new(number, vec![number as u8; 512])
}

fn forge(numbers: &[u32]) -> Forge {
    let txid = Txid::new(2);
    let pre_apply = Checksum::of_crc(1);
    let header = Header { pre_apply, ..Header::new(PageSize::MIN, 9, txid, txid) };
    Forge::new(header, numbers.iter().map(|&number| page(number)).collect())
}

fn snapshot(commit: u32, numbers: &[u32]) -> Forge {
    let header = Header::new(PageSize::MIN, commit, Txid::new(1), Txid::new(1));
    Forge::new(header, numbers.iter().map(|&number| page(number)).collect())
}

fn with(mut forge: Forge, change: impl FnOnce(&mut Forge)) -> Vec<u8> {
    change(&mut forge);
    forge.build()
}

fn lie(row: usize, column: usize, step: i64) -> impl FnOnce(&mut Forge) {
    move |forge| {
        let mut entries = forge.entries();
        entries[row][column] = entries[row][column].wrapping_add_signed(step);
        forge.index = Some(index(&entries));
    }
}

/// Files that a checksum cannot give away, because it was made after the lie.
fn forged_cases() -> Vec<Case> {
    let good = || forge(&[2, 5]);
    let lock_page = PageSize::MIN.lock_page().get();
    vec![
        ("header: reserved byte set", false, with(good(), |f| f.header[90] = 1)),
        ("header: unknown flag", true, with(good(), |f| f.header[7] = 4)),
        ("header: first transaction 0", true, with(good(), |f| f.header[23] = 0)),
        ("header: pre-apply checksum absent", true, with(good(), |f| f.header[40] = 0)),
        ("page of an unknown flag", true, with(good(), |f| f.pages[0].flags = 3)),
        (
            "page as a legacy LZ4 frame",
            false,
            with(forge(&[2]), |f| {
                f.pages[0].flags = 0;
                f.pages[0].block = LEGACY_PAGE.to_vec();
            }),
        ),
        (
            "page that decompresses too short",
            false,
            with(good(), |f| {
                f.pages[0].block = lz4_flex::block::compress(&[2; 511]);
                f.pages[0].page[511] = 0;
            }),
        ),
        (
            "page that decompresses too long",
            true,
            with(good(), |f| {
                f.pages[0].block = lz4_flex::block::compress(&[2; 513]);
            }),
        ),
        (
            "page length beyond the file",
            true,
            with(good(), |f| {
                f.pages[1].stored_len = Some(1 << 24);
            }),
        ),
        ("pages in descending order", true, forge(&[5, 2]).build()),
        ("page twice", true, forge(&[5, 5]).build()),
        ("page beyond the database", true, forge(&[9, 10]).build()),
        (
            "page is the lock page",
            false,
            with(forge(&[lock_page]), |f| {
                f.header[12..16].copy_from_slice(&u32::MAX.to_be_bytes());
            }),
        ),
        ("snapshot without its first page", false, snapshot(3, &[2, 3]).build()),
        ("snapshot with a hole", false, snapshot(3, &[1, 3]).build()),
        ("snapshot without its last page", false, snapshot(3, &[1, 2]).build()),
        (
            "snapshot of another database",
            true,
            with(snapshot(2, &[1, 2]), |f| {
                f.post_apply = Some(1 << 63);
            }),
        ),
        ("index: another page", true, with(good(), lie(0, 0, 1))),
        ("index: offset too low, overlapping", true, with(good(), lie(1, 1, -1))),
        ("index: offset too high", false, with(good(), lie(1, 1, 1))),
        ("index: length too short", false, with(good(), lie(1, 2, -1))),
        ("index: length beyond the pages", false, with(good(), lie(1, 2, 1000))),
        (
            "index: entry missing",
            true,
            with(good(), |f| {
                f.index = Some(index(&f.entries()[..1]));
            }),
        ),
        ("index: stored length wrong", true, with(good(), |f| f.index_len = Some(3))),
        (
            "index: number padded with zero bits",
            false,
            with(forge(&[2]), |f| {
                let mut padded = index(&f.entries());
                padded.splice(0..1, [0x82, 0x00]);
                f.index = Some(padded);
            }),
        ),
        ("trailer: post-apply checksum absent", false, with(good(), |f| f.post_apply = Some(0))),
        ("bytes after the trailer", true, with(good(), |f| f.after = vec![0])),
    ]
}

/// Damage that was not followed by a new checksum.
fn damaged_cases() -> Vec<Case> {
    let good = forge(&[2, 5]).build();
    let flipped = |at: usize| {
        let mut file = good.clone();
        file[at] ^= 1;
        file
    };
    let entries = forge(&[2, 5]).entries();
    let (first, second) = (100..entries[1][1] as usize, entries[1][1] as usize);
    let tail = second + entries[1][2] as usize;
    let swapped = [&good[..100], &good[second..tail], &good[first.clone()], &good[tail..]];
    vec![
        ("flip: time stamp", true, flipped(39)),
        ("flip: page number", true, flipped(103)),
        ("flip: compressed content", true, flipped(111)),
        ("flip: end of pages", true, flipped(tail)),
        ("flip: index", true, flipped(tail + 7)),
        ("flip: post-apply checksum", true, flipped(good.len() - 9)),
        ("flip: file checksum", true, flipped(good.len() - 1)),
        ("frame dropped", true, [&good[..100], &good[second..]].concat()),
        ("frames swapped", true, swapped.concat()),
        ("file cut in the middle", true, good[..good.len() / 2].to_vec()),
        ("file without its last byte", true, good[..good.len() - 1].to_vec()),
    ]
}

#[test]
fn who_notices_what() {
    let Some(bench) = Bench::new() else { return };
    let sound = bench.write("sound.ltx", &forge(&[2, 5]).build());
    bench.succeed(&["verify"], &[sound]);
    println!("{:<40} {:>9} {:>9}", "", "ltx tool", "verify");
    let mut wrong = Vec::new();
    for (what, expected, file) in damaged_cases().into_iter().chain(forged_cases()) {
        let name = bench.write("case.ltx", &file);
        let theirs = !bench.run(&["verify"], &[name]).status.success();
        let ours = verify(&file, Limits::default()).is_err();
        let word = |refused| if refused { "refuses" } else { "accepts" };
        println!("{what:<40} {:>9} {:>9}", word(theirs), word(ours));
        if !ours || theirs != expected {
            wrong.push(what);
        }
    }
    assert_eq!(wrong, [""; 0]);
}
