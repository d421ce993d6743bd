//! Files computed by hand from the specification, not by this encoder.

#![allow(clippy::unwrap_used)]

use actor_sqlite_ltx::{
    Checksum, Encoder, Header, Limits, PageSize, Pgno, Txid, page_checksum, verify,
};

const PAGE: [u8; 512] = [0xaa; 512];

fn header(no_checksum: bool) -> Header {
    let size = PageSize::new(512).unwrap();
    Header {
        no_checksum,
        timestamp_ms: 1_700_000_000_000,
        ..Header::new(size, 1, Txid::new(1), Txid::new(1))
    }
}

/// Page 1 as literals only: token and extra length bytes for 512, then the page.
fn literal_frame() -> Vec<u8> {
    let mut frame = vec![0, 0, 0, 1, 0, 1, 0, 0, 2, 3, 0xf0, 255, 242];
    frame.extend_from_slice(&PAGE);
    frame
}

fn file(no_checksum: bool, post_apply: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(header(no_checksum), &mut out).unwrap();
    encoder.frame(Pgno::ONE, &literal_frame(), &PAGE, &mut out).unwrap();
    let end = encoder.finish(Checksum::from_raw(post_apply), &mut out).unwrap();
    assert_eq!(end.len, out.len() as u64);
    out
}

#[test]
fn an_untracked_page_of_literals() {
    let file = file(true, 0);
    assert_eq!(file.len(), 660);
    assert_eq!(file[4..8], [0, 0, 0, 2]);
    assert_eq!(file[625..636], [0, 0, 0, 0, 0, 0, 0x01, 0x64, 0x8d, 0x04, 0x00]);
    assert_eq!(file[636..644], 5_u64.to_be_bytes());
    assert_eq!(file[644..652], [0; 8]);
    assert_eq!(file[652..], 0x9a84_9306_b07e_24e1_u64.to_be_bytes());
    verify(&file, Limits::default()).unwrap();
}

#[test]
fn a_tracked_page_of_literals() {
    assert_eq!(page_checksum(Pgno::ONE, &PAGE).raw(), 0xa3b5_144f_ecd9_9000);
    let file = file(false, 0xa3b5_144f_ecd9_9000);
    assert_eq!(file.len(), 660);
    assert_eq!(file[4..8], [0; 4]);
    assert_eq!(file[644..652], 0xa3b5_144f_ecd9_9000_u64.to_be_bytes());
    assert_eq!(file[652..], 0xfd18_2ef7_23e4_767d_u64.to_be_bytes());
    verify(&file, Limits::default()).unwrap();
}
