//! A damaged file is refused, or is no different from the whole one.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;

use actor_sqlite_ltx::{
    Checksum, DecodeError, Header, Limits, PageSize, Pgno, SequenceError, TrailerError, Txid,
    decode_frame, decode_index, verify,
};
use common::forge::{Forge, ForgedPage, index, varint};
use common::{Model, Random, decode, pgno};

/// A tracked snapshot, a tracked delta that shrinks, and a shard of the same database.
fn samples() -> Vec<Vec<u8>> {
    let mut random = Random::new(11);
    let mut model = Model::new(PageSize::MIN);
    let page = |random: &mut Random, number| (pgno(number), random.page(512));
    let snapshot = model.commit((1..=5).map(|number| page(&mut random, number)).collect(), 5);
    let delta = model.commit([page(&mut random, 1), page(&mut random, 3)].into(), 4);
    let shard = model.shard(2..=4);
    vec![snapshot, delta, shard]
}

/// Whether a byte belongs to compressed content, which the file checksum covers decompressed.
fn in_block(file: &[u8], at: usize) -> bool {
    verify(file, Limits::default()).unwrap().frames.iter().any(|frame| {
        let begin = frame.offset as usize;
        (begin + 10..begin + frame.len as usize).contains(&at)
    })
}

/// Checks a changed file: `None` when it is refused, otherwise it must have the same pages.
fn survivor(changed: &[u8], pages: &BTreeMap<Pgno, Vec<u8>>) -> Option<()> {
    let (_, found) = decode(changed).ok()?;
    assert_eq!(&found, pages, "other pages were accepted");
    Some(())
}

#[test]
fn every_bit_flipped_in_turn() {
    for file in samples() {
        let (_, pages) = decode(&file).unwrap();
        let mut harmless = 0;
        for at in 0..file.len() {
            for mask in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
                let mut changed = file.clone();
                changed[at] ^= mask;
                if survivor(&changed, &pages).is_some() {
                    assert!(in_block(&file, at), "byte {at} ^ {mask:#x} was accepted");
                    harmless += 1;
                }
                let _ = decode_index(&changed);
            }
        }
        println!("{} bytes, {harmless} flips left the pages as they were", file.len());
    }
}

#[test]
fn truncated_at_every_length_and_prolonged() {
    for file in samples() {
        for len in 0..file.len() {
            assert!(verify(&file[..len], Limits::default()).is_err());
            let _ = decode_index(&file[..len]);
        }
        for extra in 1..40 {
            for byte in [0, 1, 255] {
                let mut changed = file.clone();
                changed.resize(file.len() + extra, byte);
                assert!(verify(&changed, Limits::default()).is_err());
            }
        }
        assert!(verify(&[&file[..], &file[..]].concat(), Limits::default()).is_err());
    }
}

#[test]
fn frames_dropped_swapped_and_doubled() {
    for file in samples() {
        let frames = verify(&file, Limits::default()).unwrap().frames;
        let part = |i: usize| {
            let begin = frames[i].offset as usize;
            &file[begin..begin + frames[i].len as usize]
        };
        let tail = frames[frames.len() - 1].end().unwrap() as usize;
        let assemble = |order: &[usize]| {
            let mut changed = file[..100].to_vec();
            order.iter().for_each(|&i| changed.extend_from_slice(part(i)));
            changed.extend_from_slice(&file[tail..]);
            changed
        };
        let all: Vec<usize> = (0..frames.len()).collect();
        assert_eq!(assemble(&all), file);
        for i in all.clone() {
            let mut order = all.clone();
            order.remove(i);
            assert!(verify(&assemble(&order), Limits::default()).is_err());
            order.insert(i, i);
            order.insert(i, i);
            assert!(verify(&assemble(&order), Limits::default()).is_err());
            for j in 0..i {
                let mut order = all.clone();
                order.swap(i, j);
                assert!(verify(&assemble(&order), Limits::default()).is_err());
            }
        }
    }
}

#[test]
fn every_bit_of_a_stored_frame() {
    for file in samples() {
        for frame in verify(&file, Limits::default()).unwrap().frames {
            let begin = frame.offset as usize;
            let stored = &file[begin..begin + frame.len as usize];
            let mut page = [0; 512];
            for bit in 0..stored.len() * 8 {
                let mut changed = stored.to_vec();
                changed[bit / 8] ^= 1 << (bit % 8);
                let read = decode_frame(&changed, frame.pgno, &mut page);
                assert!(bit >= 80 || read.is_err(), "bit {bit} of a frame header");
            }
            for len in 0..stored.len() {
                assert!(decode_frame(&stored[..len], frame.pgno, &mut page).is_err());
            }
            for bytes in [0, 511, 513, 1024] {
                assert!(decode_frame(stored, frame.pgno, &mut vec![0; bytes]).is_err());
            }
            let prolonged = [stored, &[0]].concat();
            assert_eq!(
                decode_frame(&prolonged, frame.pgno, &mut page),
                Err(DecodeError::FrameTrailing { pgno: frame.pgno })
            );
        }
    }
}

fn delta(commit: u32) -> Header {
    let pre_apply = Checksum::of_crc(1);
    Header { pre_apply, ..Header::new(PageSize::MIN, commit, Txid::new(2), Txid::new(2)) }
}

fn page(number: u32) -> ForgedPage {
    ForgedPage::new(number, vec![number as u8; 512])
}

fn forge(numbers: &[u32]) -> Forge {
    Forge::new(delta(9), numbers.iter().map(|&number| page(number)).collect())
}

fn refused(forge: &Forge) -> DecodeError {
    verify(&forge.build(), Limits::default()).unwrap_err()
}

#[test]
fn a_forged_file_without_a_lie_is_accepted() {
    let file = forge(&[2, 5, 9]).build();
    let verified = verify(&file, Limits::default()).unwrap();
    assert_eq!(decode_index(&file).unwrap(), verified.frames);
}

#[test]
fn pages_where_none_may_be() {
    let order = |a, b| SequenceError::Order { pgno: pgno(b), previous: pgno(a) }.into();
    assert_eq!(refused(&forge(&[5, 2])), order(5, 2));
    assert_eq!(refused(&forge(&[5, 5])), order(5, 5));
    let beyond = SequenceError::BeyondCommit { pgno: pgno(10), commit: 9 };
    assert_eq!(refused(&forge(&[9, 10])), beyond.into());
    let lock_page = PageSize::MIN.lock_page();
    let forged = Forge::new(delta(u32::MAX), vec![page(lock_page.get())]);
    assert_eq!(refused(&forged), SequenceError::LockPage(lock_page).into());
    let snapshot = Header::new(PageSize::MIN, 3, Txid::new(1), Txid::new(1));
    let gap = SequenceError::SnapshotGap { pgno: pgno(3), expected: pgno(2) };
    assert_eq!(refused(&Forge::new(snapshot, vec![page(1), page(3)])), gap.into());
    let end = SequenceError::SnapshotEnd { missing: pgno(3), commit: 3 };
    assert_eq!(refused(&Forge::new(snapshot, vec![page(1), page(2)])), end.into());
    let untracked = Header { no_checksum: true, ..snapshot };
    assert_eq!(refused(&Forge::new(untracked, vec![page(1), page(2)])), end.into());
    for numbers in [&[5, 2][..], &[5, 5], &[9, 10]] {
        assert!(decode_index(&forge(numbers).build()).is_err());
    }
}

#[test]
fn headers_that_break_a_rule_under_a_right_checksum() {
    for at in 80..100 {
        let mut forged = forge(&[2]);
        forged.header[at] = 1;
        assert!(matches!(refused(&forged), DecodeError::Header(_)));
    }
    for (at, byte) in [(0, b'l'), (3, b'4'), (7, 1), (7, 4), (4, 1), (10, 1), (23, 0), (23, 3)] {
        let mut forged = forge(&[2]);
        forged.header[at] = byte;
        assert!(matches!(refused(&forged), DecodeError::Header(_)), "byte {at} = {byte}");
    }
}

#[test]
fn frames_that_break_a_rule_under_a_right_checksum() {
    let with = |change: fn(&mut ForgedPage)| {
        let mut forged = forge(&[2, 5]);
        change(&mut forged.pages[1]);
        forged
    };
    let p = pgno(5);
    let frame = |page: &mut ForgedPage| page.flags = 0;
    assert_eq!(refused(&with(frame)), DecodeError::LegacyFrame { pgno: p });
    let flags = |page: &mut ForgedPage| page.flags = 0x8001;
    assert_eq!(refused(&with(flags)), DecodeError::PageFlags { pgno: p, flags: 0x8001 });
    let huge = |page: &mut ForgedPage| page.stored_len = Some(u32::MAX);
    assert_eq!(refused(&with(huge)), DecodeError::BlockTooLong { pgno: p, bytes: u32::MAX });
    let short = |page: &mut ForgedPage| page.block = lz4_flex::block::compress(&page.page[1..]);
    assert_eq!(refused(&with(short)), DecodeError::ShortPage { pgno: p, bytes: 511 });
    let long = |page: &mut ForgedPage| page.block = lz4_flex::block::compress(&[5; 513]);
    assert_eq!(refused(&with(long)), DecodeError::Lz4 { pgno: p });
    let empty = |page: &mut ForgedPage| page.block.clear();
    assert_eq!(refused(&with(empty)), DecodeError::Lz4 { pgno: p });
}

#[test]
fn an_index_that_lies_under_a_right_checksum() {
    let truth = forge(&[2, 5]);
    let entries = truth.entries();
    let with = |index: Vec<u8>| Forge { index: Some(index), ..truth.clone() };
    for (row, column) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)] {
        for step in [-1_i64, 1] {
            let mut lie = entries.clone();
            lie[row][column] = lie[row][column].wrapping_add_signed(step);
            let wrong = DecodeError::IndexEntry { pgno: pgno(entries[row][0] as u32) };
            assert_eq!(refused(&with(index(&lie))), wrong);
        }
    }
    let count = |index| DecodeError::IndexCount { index, pages: 2 };
    assert_eq!(refused(&with(index(&entries[..1]))), count(1));
    assert_eq!(refused(&with(index(&[]))), count(0));
    let more = [entries.clone(), vec![[9, 300, 20]]].concat();
    assert_eq!(refused(&with(index(&more))), count(3));
    for len in 0..index(&entries).len() {
        let cut = index(&entries)[..len].to_vec();
        assert!(decode_index(&with(cut.clone()).build()).is_err());
        assert_eq!(refused(&with(cut)), DecodeError::IndexTruncated);
    }
    let after = [index(&entries), vec![0]].concat();
    assert_eq!(refused(&with(after)), DecodeError::IndexTrailing);
    for stored in [0, 1, index(&entries).len() as u64 + 1, u64::MAX] {
        let forged = Forge { index_len: Some(stored), ..truth.clone() };
        assert_eq!(refused(&forged), DecodeError::IndexLength { stored });
        assert!(decode_index(&forged.build()).is_err());
    }
}

#[test]
fn index_numbers_are_as_short_as_can_be_and_have_64_bits() {
    let truth = forge(&[2]);
    let [[_, at, len]] = truth.entries()[..] else { panic!() };
    let with = |number: Vec<u8>| {
        let index = [number, varint(at), varint(len), vec![0]].concat();
        Forge { index: Some(index), ..truth.clone() }
    };
    assert!(verify(&with(vec![2]).build(), Limits::default()).is_ok());
    for number in [
        vec![0x82, 0x00],
        vec![0x82, 0x80, 0x00],
        varint(u64::from(u32::MAX) + 3),
        [vec![0x82], vec![0x80; 8], vec![0x02]].concat(),
        [vec![0x82], vec![0x80; 9], vec![0x01]].concat(),
        vec![0xff; 10],
    ] {
        assert_eq!(refused(&with(number.clone())), DecodeError::IndexNumber, "{number:02x?}");
        assert_eq!(decode_index(&with(number).build()), Err(DecodeError::IndexNumber));
    }
    assert_eq!(
        refused(&with(varint(u64::from(u32::MAX)))),
        DecodeError::IndexEntry { pgno: pgno(2) }
    );
}

#[test]
fn trailers_that_break_a_rule_under_a_right_checksum() {
    let with = |post_apply| Forge { post_apply: Some(post_apply), ..forge(&[2]) };
    assert!(verify(&with(1 << 63).build(), Limits::default()).is_ok());
    let absent = |raw| TrailerError::PostApplyAbsent(Checksum::from_raw(raw)).into();
    assert_eq!(refused(&with(0)), absent(0));
    assert_eq!(refused(&with(5)), absent(5));
    let mut untracked = with(1 << 63);
    untracked.header =
        Header { no_checksum: true, pre_apply: Checksum::ABSENT, ..delta(9) }.encode();
    let forbidden = TrailerError::PostApplyForbidden(Checksum::EMPTY_DATABASE);
    assert_eq!(refused(&untracked), forbidden.into());
    let mut file = forge(&[2]).build();
    let at = file.len() - 8;
    file[at] &= 0x7f;
    assert!(matches!(verify(&file, Limits::default()), Err(DecodeError::FileChecksum { .. })));
}
