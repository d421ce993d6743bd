//! Folding consecutive files into one.

use crate::index::FILE_BYTES_MIN;
use crate::{
    Checksum, Encoder, Frame, Header, Limits, MergeError, Pgno, Verified, decode_frame, verify,
};

/// Merges files of consecutive transactions, oldest first, into the one file that does the same.
///
/// The newest version of each page wins, and pages above the last file's database size are left
/// out. The result has the first file's pre-apply checksum, the last one's post-apply checksum
/// and time, and no node id; it tracks checksums only if every file does. Every file is verified,
/// and a page that is kept is copied as it is compressed.
pub fn merge(files: &[&[u8]], limits: Limits) -> Result<Vec<u8>, MergeError> {
    let verified = files
        .iter()
        .enumerate()
        .map(|(file, bytes)| {
            verify(bytes, limits).map_err(|source| MergeError::Decode { file, source })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let (Some(first), Some(last)) = (verified.first(), verified.last()) else {
        return Err(MergeError::Nothing);
    };
    for (file, pair) in verified.windows(2).enumerate() {
        check_pair(file + 1, &pair[0], &pair[1])?;
    }
    let no_checksum = verified.iter().any(|file| file.header.no_checksum);
    let header = Header {
        no_checksum,
        timestamp_ms: last.header.timestamp_ms,
        pre_apply: if no_checksum { Checksum::ABSENT } else { first.header.pre_apply },
        ..Header::new(
            first.header.page_size,
            last.header.commit,
            first.header.min_txid,
            last.header.max_txid,
        )
    };
    let post_apply = if no_checksum { Checksum::ABSENT } else { last.trailer.post_apply };
    write(files, &newest(&verified, header.commit), header, post_apply)
}

/// Checks that a file continues the one before it.
fn check_pair(file: usize, before: &Verified, after: &Verified) -> Result<(), MergeError> {
    if before.header.page_size != after.header.page_size {
        return Err(MergeError::PageSize { file });
    }
    let (previous, min) = (before.header.max_txid, after.header.min_txid);
    if previous.get().checked_add(1) != Some(min.get()) {
        return Err(MergeError::Gap { file, min, previous });
    }
    let (post_apply, pre_apply) = (before.trailer.post_apply, after.header.pre_apply);
    if post_apply.is_present() && pre_apply.is_present() && post_apply != pre_apply {
        return Err(MergeError::Chain { file, pre_apply, post_apply });
    }
    check_growth(file, before.header.commit, after)
}

/// Checks that every page a file adds to the database is in it.
fn check_growth(file: usize, commit_before: u32, after: &Verified) -> Result<(), MergeError> {
    if after.header.commit <= commit_before {
        return Ok(());
    }
    let lock_page = after.header.page_size.lock_page();
    let begin = after.frames.partition_point(|frame| frame.pgno.get() <= commit_before);
    let mut held = after.frames[begin..].iter().map(|frame| frame.pgno).peekable();
    let added = commit_before + 1..=after.header.commit;
    for pgno in added.filter_map(Pgno::new).filter(|&pgno| pgno != lock_page) {
        if held.next_if_eq(&pgno).is_none() {
            return Err(MergeError::Unwritten { file, pgno });
        }
    }
    Ok(())
}

/// The newest version of each page, ascending, with the file it is in.
fn newest(verified: &[Verified], commit: u32) -> Vec<(usize, Frame)> {
    let mut pages: Vec<(usize, Frame)> = verified
        .iter()
        .enumerate()
        .flat_map(|(file, verified)| verified.frames.iter().map(move |&frame| (file, frame)))
        .filter(|(_, frame)| frame.pgno.get() <= commit)
        .collect();
    // Stable, so that the versions of one page stay in the order of their files.
    pages.sort_by_key(|(_, frame)| frame.pgno);
    pages.dedup_by(|later, kept| {
        let same = later.1.pgno == kept.1.pgno;
        if same {
            *kept = *later;
        }
        same
    });
    pages
}

fn write(
    files: &[&[u8]],
    pages: &[(usize, Frame)],
    header: Header,
    post_apply: Checksum,
) -> Result<Vec<u8>, MergeError> {
    let frame_bytes: usize = pages.iter().map(|(_, frame)| frame.len as usize).sum();
    // An index entry of a file below 4 GiB has at most 13 bytes.
    let mut out = Vec::with_capacity(frame_bytes + FILE_BYTES_MIN + 13 * pages.len());
    let mut page = vec![0; header.page_size.bytes()];
    let mut encoder = Encoder::new(header, &mut out)?;
    for &(file, Frame { pgno, offset, len }) in pages {
        let frame = &files[file][offset as usize..][..len as usize];
        decode_frame(frame, pgno, &mut page)
            .map_err(|source| MergeError::Decode { file, source })?;
        encoder.frame(pgno, frame, &page, &mut out)?;
    }
    encoder.finish(post_apply, &mut out)?;
    Ok(out)
}
