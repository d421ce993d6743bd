//! Scratch files: journals, statement journals, temporary databases, sorter runs.
//!
//! Nobody needs them after a crash, because the store holds only committed states. Each lives in
//! memory as long as its mount's budget lasts, and in an anonymous file, unlinked at once, after that.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Memory is taken in pieces of this size, so that growing copies nothing.
const CHUNK_BYTES: usize = 32 * 1024;

/// Why a scratch file failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScratchError {
    /// The files on disk would take more than they may.
    #[error("{actual} bytes of scratch on disk, more than {limit}")]
    Limit { actual: u64, limit: u64 },
    /// The host's disk failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The scratch budget of one mount, and where its files go.
pub(crate) struct ScratchPool {
    bytes_max: u64,
    disk_bytes_max: u64,
    dir: PathBuf,
    bytes_used: AtomicU64,
    disk_bytes_used: AtomicU64,
    files_spilled: AtomicU64,
}

impl ScratchPool {
    pub fn new(bytes_max: u64, disk_bytes_max: Option<u64>, dir: PathBuf) -> Arc<Self> {
        let (bytes_used, disk_bytes_used, files_spilled) = Default::default();
        let disk_bytes_max = disk_bytes_max.unwrap_or(u64::MAX);
        Arc::new(Self {
            bytes_max,
            disk_bytes_max,
            dir,
            bytes_used,
            disk_bytes_used,
            files_spilled,
        })
    }

    /// Files that went to disk.
    pub fn files_spilled(&self) -> u64 {
        self.files_spilled.load(Ordering::Relaxed)
    }

    /// Memory in use, in bytes.
    pub fn bytes_used(&self) -> u64 {
        self.bytes_used.load(Ordering::Relaxed)
    }

    /// Disk in use, in bytes: the lengths of the files there.
    pub fn disk_bytes_used(&self) -> u64 {
        self.disk_bytes_used.load(Ordering::Relaxed)
    }

    fn reserve(&self, bytes: u64) -> bool {
        let reserve = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= self.bytes_max);
        self.bytes_used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, reserve).is_ok()
    }

    fn reserve_disk(&self, bytes: u64) -> Result<(), ScratchError> {
        let reserve = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= self.disk_bytes_max);
        let (used, limit) = (&self.disk_bytes_used, self.disk_bytes_max);
        used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, reserve)
            .map(drop)
            .map_err(|used| ScratchError::Limit { actual: used.saturating_add(bytes), limit })
    }

    fn give_disk_back(&self, bytes: u64) {
        self.disk_bytes_used.fetch_sub(bytes, Ordering::Relaxed);
    }

    fn give_back(&self, bytes: u64) {
        self.bytes_used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// One scratch file.
pub(crate) struct ScratchFile {
    pool: Arc<ScratchPool>,
    size: u64,
    content: Content,
}

enum Content {
    /// Whole chunks; what is above `size` is zeros.
    Memory(Vec<Box<[u8]>>),
    Disk {
        file: File,
        /// Charged to the pool: the file's length, once a call has succeeded.
        charged: u64,
    },
}

impl ScratchFile {
    /// An empty file.
    pub fn new(pool: Arc<ScratchPool>) -> Self {
        Self { pool, size: 0, content: Content::Memory(Vec::new()) }
    }

    /// The size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads what there is at `offset`, and says how many bytes that were.
    pub fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, ScratchError> {
        let left = self.size.saturating_sub(offset);
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let buffer = &mut buffer[..length];
        match &self.content {
            Content::Memory(chunks) => {
                let mut done = 0;
                while done < length {
                    let (chunk, at) = position(offset + done as u64);
                    let step = (CHUNK_BYTES - at).min(length - done);
                    buffer[done..done + step].copy_from_slice(&chunks[chunk][at..at + step]);
                    done += step;
                }
            }
            Content::Disk { file, .. } => disk::read_at(file, buffer, offset)?,
        }
        Ok(length)
    }

    /// Writes at `offset`; a gap is zeros.
    pub fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), ScratchError> {
        let end = offset + bytes.len() as u64;
        self.grow(end)?;
        match &mut self.content {
            Content::Memory(chunks) => {
                let mut done = 0;
                while done < bytes.len() {
                    let (chunk, at) = position(offset + done as u64);
                    let step = (CHUNK_BYTES - at).min(bytes.len() - done);
                    chunks[chunk][at..at + step].copy_from_slice(&bytes[done..done + step]);
                    done += step;
                }
            }
            Content::Disk { file, .. } => disk::write_at(file, bytes, offset)?,
        }
        self.size = self.size.max(end);
        Ok(())
    }

    /// Cuts the file off, or extends it by zeros. Cutting to nothing cannot fail, and is back in
    /// memory.
    pub fn truncate(&mut self, size: u64) -> Result<(), ScratchError> {
        if size == 0 {
            self.drop_content();
            self.size = 0;
            return Ok(());
        }
        self.grow(size)?;
        match &mut self.content {
            Content::Memory(chunks) => {
                if size < self.size {
                    let keep = chunk_count(size);
                    self.pool.give_back(((chunks.len() - keep) * CHUNK_BYTES) as u64);
                    chunks.truncate(keep);
                    let (_, at) = position(size);
                    if at > 0
                        && let Some(last) = chunks.last_mut()
                    {
                        last[at..].fill(0);
                    }
                }
            }
            Content::Disk { file, charged } => {
                file.set_len(size)?;
                self.pool.give_disk_back(*charged - size);
                *charged = size;
            }
        }
        self.size = size;
        Ok(())
    }

    /// Takes the memory or the disk that a file of `size` bytes needs, and moves the file to disk
    /// when there is no memory left.
    fn grow(&mut self, size: u64) -> Result<(), ScratchError> {
        let chunks = match &mut self.content {
            Content::Memory(chunks) => chunks,
            Content::Disk { charged, .. } => {
                self.pool.reserve_disk(size.saturating_sub(*charged))?;
                *charged = size.max(*charged);
                return Ok(());
            }
        };
        let missing = chunk_count(size).saturating_sub(chunks.len());
        if missing == 0 {
            return Ok(());
        }
        if self.pool.reserve((missing * CHUNK_BYTES) as u64) {
            let chunk = || vec![0; CHUNK_BYTES].into_boxed_slice();
            chunks.extend(std::iter::repeat_with(chunk).take(missing));
            return Ok(());
        }
        let charged = size.max(self.size);
        self.pool.reserve_disk(charged)?;
        match self.moved_to_disk() {
            Ok(file) => {
                self.pool.files_spilled.fetch_add(1, Ordering::Relaxed);
                self.drop_content();
                self.content = Content::Disk { file, charged };
                Ok(())
            }
            Err(error) => {
                self.pool.give_disk_back(charged);
                Err(error.into())
            }
        }
    }

    /// A file on disk with what is in memory.
    fn moved_to_disk(&self) -> io::Result<File> {
        let file = tempfile::tempfile_in(&self.pool.dir)?;
        if let Content::Memory(chunks) = &self.content {
            for (index, chunk) in chunks.iter().enumerate() {
                disk::write_at(&file, chunk, (index * CHUNK_BYTES) as u64)?;
            }
        }
        file.set_len(self.size)?;
        Ok(file)
    }

    fn drop_content(&mut self) {
        match std::mem::replace(&mut self.content, Content::Memory(Vec::new())) {
            Content::Memory(chunks) => self.pool.give_back((chunks.len() * CHUNK_BYTES) as u64),
            Content::Disk { charged, .. } => self.pool.give_disk_back(charged),
        }
    }
}

impl Drop for ScratchFile {
    fn drop(&mut self) {
        self.drop_content();
    }
}

/// The chunk of a byte, and its place in it.
fn position(offset: u64) -> (usize, usize) {
    let chunk_bytes = CHUNK_BYTES as u64;
    ((offset / chunk_bytes) as usize, (offset % chunk_bytes) as usize)
}

fn chunk_count(size: u64) -> usize {
    size.div_ceil(CHUNK_BYTES as u64) as usize
}

#[cfg(unix)]
mod disk {
    use std::fs::File;
    use std::io;
    use std::os::unix::fs::FileExt;

    pub fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        file.read_exact_at(buffer, offset)
    }

    pub fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        file.write_all_at(bytes, offset)
    }
}

#[cfg(not(unix))]
mod disk {
    use std::fs::File;
    use std::io::{self, Read, Seek, SeekFrom, Write};

    pub fn read_at(mut file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(buffer)
    }

    pub fn write_at(mut file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(bytes)
    }
}
