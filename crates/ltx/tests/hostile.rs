//! Bytes of an enemy: no panic, no write outside the page, no memory beyond the file's own size.

#![allow(clippy::unwrap_used)]

mod common;

use std::alloc::System;
use std::collections::BTreeMap;

use actor_sqlite_ltx::{Header, Limits, Pgno, Txid, decode_frame, decode_index, merge, verify};
use common::forge::{Forge, ForgedPage};
use common::{Model, PAGE_SIZES, Random, decode, page_size, pgno};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Reads hostile bytes in every way there is, and says whether they were accepted as a file.
fn read(file: &[u8]) -> bool {
    let region = Region::new(ALLOCATOR);
    let verified = verify(file, Limits::default());
    let _ = decode_index(file);
    let merged = merge(&[file], Limits::default());
    let allocated = region.change().bytes_allocated;
    let bound = 4 * 65_536 + 32 * file.len();
    assert!(allocated <= bound, "{allocated} bytes for a file of {}", file.len());
    assert!(verified.is_ok() || merged.is_err());
    verified.is_ok()
}

/// Changes a few bytes, mostly to values that mean something.
fn mutate(random: &mut Random, file: &mut Vec<u8>, other: &[u8]) {
    for _ in 0..1 + random.below(4) {
        let at = random.index(file.len());
        match random.below(6) {
            0 => file[at] = random.next() as u8,
            1 => file[at] ^= 1 << random.below(8),
            2 => file[at] = [0, 1, 0x7f, 0x80, 0xff][random.index(5)],
            3 => file.truncate(at.max(1)),
            4 => {
                let from = random.index(other.len());
                let len = random.index(64).min(other.len() - from).min(file.len() - at);
                file[at..at + len].copy_from_slice(&other[from..from + len]);
            }
            _ => {
                let len = random.index(32);
                let bytes = random.bytes(len);
                file.splice(at..at, bytes);
            }
        }
    }
}

/// A length as LZ4 continues it: bytes of 255, then one that is less.
fn push_length(block: &mut Vec<u8>, mut rest: usize) {
    while rest >= 255 {
        block.push(255);
        rest -= 255;
    }
    block.push(rest as u8);
}

/// An LZ4 block of about `bytes` bytes: by its grammar always, by its numbers mostly.
fn block(random: &mut Random, bytes: usize) -> Vec<u8> {
    let lies = if random.one_in(2) { 0 } else { 1 + random.below(50) };
    let lie = |random: &mut Random| lies != 0 && random.one_in(lies);
    let mut block = Vec::new();
    let mut made = 0;
    while made + 24 < bytes && !lie(random) {
        let long = if random.one_in(8) { 600 } else { 14 };
        let literals = usize::from(made == 0) + random.index(long.min(bytes - made - 20));
        let left = bytes - made - literals;
        let matched = if left < 5 { 4 } else { 4 + random.index(left.min(long) - 4) };
        block.push((literals.min(15) << 4 | (matched - 4).min(15)) as u8);
        if literals >= 15 {
            push_length(&mut block, literals - 15);
        }
        let literal = random.bytes(literals);
        block.extend(literal);
        let back = made + literals;
        let near = if random.one_in(2) { back.min(20) } else { back };
        let offset = if lie(random) { random.index(65_536) } else { 1 + random.index(near) };
        block.extend((offset as u16).to_le_bytes());
        if matched >= 19 {
            let more = if lie(random) { random.index(70_000) } else { 0 };
            push_length(&mut block, matched - 19 + more);
        }
        made += literals + matched;
    }
    let rest = if lie(random) { random.index(2 * bytes) } else { bytes.saturating_sub(made) };
    block.push((rest.min(15) << 4) as u8);
    if rest >= 15 {
        push_length(&mut block, rest - 15);
    }
    let literal = random.bytes(rest);
    block.extend(literal);
    if lie(random) {
        block.truncate(random.index(block.len() + 1));
    }
    block
}

fn hostile_blocks(random: &mut Random) {
    const GUARD: usize = 64;
    let mut whole = 0;
    for round in 0..60_000 {
        let bytes = PAGE_SIZES[random.index(if round % 100 == 0 { 8 } else { 3 })] as usize;
        let block = block(random, bytes);
        let mut frame = vec![0, 0, 0, 7, 0, 1];
        frame.extend((block.len() as u32).to_be_bytes());
        frame.extend(block);
        let mut memory = vec![0xc5; GUARD + bytes + GUARD];
        let page = &mut memory[GUARD..GUARD + bytes];
        whole += usize::from(decode_frame(&frame, pgno(7), page).is_ok());
        let guards = memory[..GUARD].iter().chain(&memory[GUARD + bytes..]);
        assert!(guards.into_iter().all(|&byte| byte == 0xc5), "a write outside the page");
    }
    println!("{whole} of 60000 blocks were pages");
    assert!(whole > 10_000, "the blocks are too wrong to reach the inner loops");
}

/// One test, because the allocator counts for the whole process.
#[test]
fn hostile_bytes() {
    let mut random = Random::seeded(5);
    hostile_blocks(&mut random);

    for _ in 0..20_000 {
        let len = random.index(400);
        let mut bytes = random.bytes(len);
        if random.one_in(2) && len >= 100 {
            let mut model = Model::new(page_size(512));
            bytes[..100].copy_from_slice(&model.random_commit(&mut random, 2)[..100]);
        }
        assert!(!read(&bytes));
    }

    let mut accepted = 0;
    for round in 0..400 {
        let mut model = Model::new(page_size(PAGE_SIZES[random.index(4)]));
        let first = model.random_commit(&mut random, 6);
        let second = model.random_commit(&mut random, 6);
        let whole: [BTreeMap<Pgno, Vec<u8>>; 2] =
            [&first, &second].map(|file| decode(file).unwrap().1);
        for _ in 0..100 {
            let mut file = if round % 2 == 0 { first.clone() } else { second.clone() };
            mutate(&mut random, &mut file, &first);
            if read(&file) {
                let (_, pages) = decode(&file).unwrap();
                assert!(pages == whole[0] || pages == whole[1], "other pages were accepted");
                accepted += 1;
            }
        }
    }
    println!("{accepted} of 40000 mutated files were whole");

    let header = Header {
        no_checksum: true,
        ..Header::new(page_size(512), u32::MAX, Txid::new(2), Txid::new(2))
    };
    let mut forged = Forge::new(header, Vec::new());
    assert!(read(&forged.build()));
    forged.pages.push(ForgedPage::new(3, vec![3; 512]));
    for len in [1 << 20, 1 << 30, u32::MAX] {
        forged.pages[0].stored_len = Some(len);
        assert!(!read(&forged.build()));
    }
    forged.pages.clear();
    for len in [1 << 32, u64::MAX / 2, u64::MAX] {
        forged.index_len = Some(len);
        assert!(!read(&forged.build()));
    }
    forged.index_len = None;
    forged.index = Some(vec![0x7f; 100_000]);
    assert!(!read(&forged.build()));
}
