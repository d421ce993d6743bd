//! Interior pages of b-trees: which pages are their children, in order.
//!
//! Read from pages as they are stored, so every byte is suspect: what does not fit the file format
//! (section 1.6) is no interior page. What a page claims is only ever used to guess which page is
//! read next.

use actor_sqlite_ltx::Pgno;

/// The page types of interior pages: of an index and of a table.
const INTERIOR: [u8; 2] = [0x02, 0x05];

/// The length of an interior page's header.
const HEADER_BYTES: usize = 12;

/// Page 1 begins with the header of the database.
fn header_offset(pgno: Pgno) -> usize {
    if pgno == Pgno::ONE { 100 } else { 0 }
}

/// Whether the type byte is that of an interior page. Cheap, and no proof.
pub(crate) fn may_be_interior(pgno: Pgno, page: &[u8]) -> bool {
    page.get(header_offset(pgno)).is_some_and(|kind| INTERIOR.contains(kind))
}

/// The children of an interior page in the order of their keys, each inside a database of `size`
/// pages. `None` for anything else.
pub(crate) fn children(pgno: Pgno, page: &[u8], size: u32) -> Option<Box<[Pgno]>> {
    if !may_be_interior(pgno, page) {
        return None;
    }
    let start = header_offset(pgno);
    let cells = usize::from(u16_at(page, start + 3)?);
    let pointers = start + HEADER_BYTES;
    let content = pointers + cells * 2;
    let child = |at: usize| {
        let number = page.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)?;
        Pgno::new(number).filter(|child| *child > Pgno::ONE && *child != pgno && number <= size)
    };
    let mut children = Vec::with_capacity(cells.min(page.len() / 2) + 1);
    for cell in 0..cells {
        let at = usize::from(u16_at(page, pointers + cell * 2)?);
        if at < content {
            return None;
        }
        children.push(child(at)?);
    }
    children.push(child(start + 8)?);
    Some(children.into())
}

fn u16_at(page: &[u8], at: usize) -> Option<u16> {
    page.get(at..at + 2)?.try_into().ok().map(u16::from_be_bytes)
}
