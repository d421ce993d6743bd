//! What cannot be written, rule by rule, and that a refusal changes nothing.

#![allow(clippy::unwrap_used)]

mod common;

use actor_sqlite_ltx::{
    Checksum, DecodeError, EncodeError, Encoder, Header, HeaderError, PageSize, SequenceError,
    TrailerError, Txid, page_checksum, verify,
};
use common::pgno;

const SUM: Checksum = Checksum::of_crc(1);

fn delta(commit: u32) -> Header {
    let txid = Txid::new(2);
    Header { pre_apply: SUM, ..Header::new(PageSize::MIN, commit, txid, txid) }
}

fn snapshot(commit: u32) -> Header {
    Header::new(PageSize::MIN, commit, Txid::new(1), Txid::new(1))
}

fn untracked(header: Header) -> Header {
    Header { no_checksum: true, pre_apply: Checksum::ABSENT, ..header }
}

fn begin(header: Header) -> (Encoder, Vec<u8>) {
    let mut out = b"before".to_vec();
    (Encoder::new(header, &mut out).unwrap(), out)
}

/// Writes pages of 512 times their number until one is refused, and checks that nothing of the
/// refused one is left behind.
fn write(header: Header, numbers: &[u32]) -> Result<(Encoder, Vec<u8>), EncodeError> {
    let (mut encoder, mut out) = begin(header);
    for &number in numbers {
        let page = [number as u8; 512];
        let before = (out.clone(), encoder.offset());
        let sum = page_checksum(pgno(number), &page);
        if let Err(error) = encoder.page(pgno(number), &page, sum, &mut out) {
            assert_eq!((out, encoder.offset()), before);
            return Err(error);
        }
    }
    Ok((encoder, out))
}

fn refused(header: Header, numbers: &[u32]) -> EncodeError {
    write(header, numbers).err().unwrap()
}

#[test]
fn headers() {
    let refused = |header: Header| {
        let mut out = vec![7];
        let error = Encoder::new(header, &mut out).err().unwrap();
        assert_eq!(out, [7]);
        let EncodeError::Header(error) = error else { panic!("{error}") };
        assert_eq!(Header::decode(&header.encode()), Err(error));
        error
    };
    let (zero, two, one) = (Txid::ZERO, Txid::new(2), Txid::new(1));
    let range = |min, max| HeaderError::TxidRange { min, max };
    assert_eq!(refused(Header { min_txid: zero, ..delta(1) }), range(zero, two));
    assert_eq!(refused(Header { max_txid: one, ..delta(1) }), range(two, one));
    let raw = Checksum::from_raw(5);
    assert_eq!(refused(Header { pre_apply: raw, ..delta(1) }), HeaderError::PreApplyAbsent(raw));
    assert_eq!(
        refused(Header { pre_apply: Checksum::ABSENT, ..delta(1) }),
        HeaderError::PreApplyAbsent(Checksum::ABSENT)
    );
    for header in [snapshot(1), untracked(delta(1)), untracked(snapshot(1))] {
        assert_eq!(
            refused(Header { pre_apply: SUM, ..header }),
            HeaderError::PreApplyForbidden(SUM)
        );
    }
    for header in [
        Header { wal_offset: -1, ..delta(1) },
        Header { wal_offset: 32, wal_size: -1, ..delta(1) },
        Header { wal_size: 1, ..delta(1) },
        Header { wal_salt1: 1, ..delta(1) },
        Header { wal_salt2: 1, ..delta(1) },
    ] {
        assert_eq!(refused(header), HeaderError::Wal);
    }
}

#[test]
fn a_database_of_no_pages() {
    let error = Encoder::new(delta(0), &mut Vec::new()).err().unwrap();
    assert_eq!(error, EncodeError::EmptyDatabase);
    let error = Encoder::new(untracked(delta(0)), &mut Vec::new()).err().unwrap();
    assert_eq!(error, EncodeError::EmptyDatabase);
}

#[test]
fn pages_out_of_place() {
    let sequence = |error: EncodeError| match error {
        EncodeError::Sequence(error) => error,
        other => panic!("{other}"),
    };
    assert_eq!(
        sequence(refused(delta(3), &[1, 4])),
        SequenceError::BeyondCommit { pgno: pgno(4), commit: 3 }
    );
    assert_eq!(
        sequence(refused(delta(3), &[2, 2])),
        SequenceError::Order { pgno: pgno(2), previous: pgno(2) }
    );
    assert_eq!(
        sequence(refused(delta(3), &[2, 1])),
        SequenceError::Order { pgno: pgno(1), previous: pgno(2) }
    );
    for bytes in common::PAGE_SIZES {
        let size = common::page_size(bytes);
        let lock_page = 0x4000_0000 / bytes + 1;
        let (mut encoder, mut out) =
            begin(Header { page_size: size, ..untracked(delta(u32::MAX)) });
        let page = vec![0; size.bytes()];
        for number in [lock_page - 1, lock_page, lock_page + 1] {
            let written = encoder.page(pgno(number), &page, SUM, &mut out);
            let lock = EncodeError::Sequence(SequenceError::LockPage(pgno(number)));
            assert_eq!(written.err(), (number == lock_page).then_some(lock));
        }
    }
}

#[test]
fn snapshots_with_holes() {
    for header in [snapshot(3), untracked(snapshot(3))] {
        for numbers in [&[2][..], &[1, 3]] {
            let gap = SequenceError::SnapshotGap {
                pgno: pgno(numbers[numbers.len() - 1]),
                expected: pgno(numbers.len() as u32),
            };
            assert_eq!(refused(header, numbers), EncodeError::Sequence(gap));
        }
        for numbers in [&[][..], &[1], &[1, 2]] {
            let (encoder, mut out) = write(header, numbers).ok().unwrap();
            let before = out.clone();
            let end =
                SequenceError::SnapshotEnd { missing: pgno(numbers.len() as u32 + 1), commit: 3 };
            assert_eq!(encoder.finish(SUM, &mut out), Err(EncodeError::Sequence(end)));
            assert_eq!(out, before);
        }
    }
    let header = Header { max_txid: Txid::new(9), ..snapshot(2) };
    assert!(write(header, &[2]).is_err(), "a snapshot of many transactions is a snapshot");
}

#[test]
fn pages_of_another_length() {
    for bytes in [0, 511, 513, 1024] {
        let (mut encoder, mut out) = begin(delta(3));
        let before = out.clone();
        let length = EncodeError::PageLength { pgno: pgno(2), expected: 512, actual: bytes };
        let page = vec![0; bytes];
        assert_eq!(encoder.page(pgno(2), &page, SUM, &mut out), Err(length.clone()));
        assert_eq!(encoder.frame(pgno(2), &[0; 20], &page, &mut out), Err(length));
        assert_eq!(out, before);
    }
}

#[test]
fn frames_that_are_none_of_the_page() {
    let page = [3; 512];
    let (mut encoder, mut out) = begin(untracked(delta(9)));
    let at = out.len();
    encoder.page(pgno(3), &page, SUM, &mut out).unwrap();
    let frame = out[at..].to_vec();
    let refused = |number: u32, frame: &[u8]| {
        let (mut encoder, mut out) = begin(untracked(delta(9)));
        let before = out.clone();
        let error = encoder.frame(pgno(number), frame, &page, &mut out).unwrap_err();
        assert_eq!(out, before);
        encoder
            .frame(pgno(1), &[&[0, 0, 0, 1], &self::frame(&page)[4..]].concat(), &page, &mut out)
            .unwrap();
        let EncodeError::Frame(error) = error else { panic!("{error}") };
        error
    };
    let changed = |at: usize, byte: u8| {
        let mut frame = frame.clone();
        frame[at] = byte;
        frame
    };
    let p = pgno(3);
    assert_eq!(refused(4, &frame), DecodeError::WrongPage { expected: pgno(4), found: p });
    assert_eq!(refused(3, &frame[..9]), DecodeError::FrameTruncated { pgno: p });
    assert_eq!(refused(3, &frame[..frame.len() - 1]), DecodeError::FrameTruncated { pgno: p });
    assert_eq!(refused(3, &[&frame[..], &[0]].concat()), DecodeError::FrameTrailing { pgno: p });
    assert_eq!(refused(3, &changed(5, 0)), DecodeError::LegacyFrame { pgno: p });
    assert_eq!(refused(3, &changed(5, 3)), DecodeError::PageFlags { pgno: p, flags: 3 });
    assert_eq!(refused(3, &changed(4, 1)), DecodeError::PageFlags { pgno: p, flags: 257 });
    let bytes = u32::from(frame[9]) + (0x80 << 24);
    assert_eq!(refused(3, &changed(6, 0x80)), DecodeError::BlockTooLong { pgno: p, bytes });
    assert_eq!(refused(3, &changed(3, 0)), DecodeError::PageZero);
}

fn frame(page: &[u8; 512]) -> Vec<u8> {
    let (mut encoder, mut out) = begin(untracked(delta(9)));
    let at = out.len();
    encoder.page(pgno(3), page, SUM, &mut out).unwrap();
    out.split_off(at)
}

#[test]
fn post_apply_checksums() {
    let finish = |header, numbers: &[u32], post_apply| {
        let (encoder, mut out) = write(header, numbers).ok().unwrap();
        let before = out.clone();
        let end = encoder.finish(post_apply, &mut out);
        match end {
            Ok(_) => assert!(verify(&out[6..], Default::default()).is_ok()),
            Err(_) => assert_eq!(out, before),
        }
        end.map(|_| ())
    };
    let raw = Checksum::from_raw(5);
    let forbidden = |sum| Err(EncodeError::Trailer(TrailerError::PostApplyForbidden(sum)));
    let absent = |sum| Err(EncodeError::Trailer(TrailerError::PostApplyAbsent(sum)));
    assert_eq!(finish(untracked(delta(3)), &[2], Checksum::ABSENT), Ok(()));
    assert_eq!(finish(untracked(delta(3)), &[2], SUM), forbidden(SUM));
    assert_eq!(finish(untracked(delta(3)), &[2], raw), forbidden(raw));
    assert_eq!(finish(delta(3), &[2], SUM), Ok(()));
    assert_eq!(finish(delta(3), &[2], Checksum::ABSENT), absent(Checksum::ABSENT));
    assert_eq!(finish(delta(3), &[2], raw), absent(raw));
    let pages = Checksum::EMPTY_DATABASE
        .toggle(page_checksum(pgno(1), &[1; 512]))
        .toggle(page_checksum(pgno(2), &[2; 512]));
    assert_eq!(finish(snapshot(2), &[1, 2], pages), Ok(()));
    let mismatch = TrailerError::PostApplyMismatch { stored: SUM, computed: pages };
    assert_eq!(finish(snapshot(2), &[1, 2], SUM), Err(EncodeError::Trailer(mismatch)));
}
