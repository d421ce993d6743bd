//! What the first 100 bytes of a file say (file format, section 1.3).

/// Where the versions for writing and for reading are: 1 for a rollback journal, 2 for WAL.
const VERSIONS: std::ops::Range<usize> = 18..20;

/// Makes the file that begins with this page one of a rollback journal. The store keeps pages, not
/// journals: a file that says WAL would be opened with one.
pub fn leave_wal(page_one: &mut [u8]) {
    if let Some(versions) = page_one.get_mut(VERSIONS) {
        versions.fill(1);
    }
}
