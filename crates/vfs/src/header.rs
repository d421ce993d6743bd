//! What the first bytes of page 1 say (file format, section 1.3).

/// The database's size in pages: bytes 28..32, valid if the version-valid-for number at 92..96 equals
/// the change counter at 24..28.
pub(crate) fn size(page_one: &[u8]) -> Option<u32> {
    let size = number(page_one, 28)?;
    (size > 0 && page_one.get(24..28)? == page_one.get(92..96)?).then_some(size)
}

/// The pages of a file of `size` pages that are not on the free list, whose length is in bytes 36..40.
pub(crate) fn pages_in_use(page_one: &[u8], size: u32) -> u32 {
    size.saturating_sub(number(page_one, 36).unwrap_or(0))
}

/// The page size: bytes 16..18, 1 for 65,536. `None` for what is no header.
pub(crate) fn page_size(page_one: &[u8]) -> Option<u32> {
    if !page_one.starts_with(b"SQLite format 3\0") {
        return None;
    }
    match u16::from_be_bytes(page_one.get(16..18)?.try_into().ok()?) {
        1 => Some(65_536),
        bytes => Some(bytes.into()),
    }
}

fn number(page_one: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(page_one.get(at..at + 4)?.try_into().ok()?))
}
