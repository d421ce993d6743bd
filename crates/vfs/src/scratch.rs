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

/// The scratch budget of one mount, and where its files go.
pub(crate) struct ScratchPool {
    bytes_max: u64,
    dir: PathBuf,
    bytes_used: AtomicU64,
    files_spilled: AtomicU64,
}

impl ScratchPool {
    pub fn new(bytes_max: u64, dir: PathBuf) -> Arc<Self> {
        let (bytes_used, files_spilled) = Default::default();
        Arc::new(Self { bytes_max, dir, bytes_used, files_spilled })
    }

    /// Files that went to disk.
    pub fn files_spilled(&self) -> u64 {
        self.files_spilled.load(Ordering::Relaxed)
    }

    /// Memory in use, in bytes.
    pub fn bytes_used(&self) -> u64 {
        self.bytes_used.load(Ordering::Relaxed)
    }

    fn reserve(&self, bytes: u64) -> bool {
        let reserve = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= self.bytes_max);
        self.bytes_used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, reserve).is_ok()
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
    Disk(File),
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
    pub fn read(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
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
            Content::Disk(file) => disk::read_at(file, buffer, offset)?,
        }
        Ok(length)
    }

    /// Writes at `offset`; a gap is zeros.
    pub fn write(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let end = offset + bytes.len() as u64;
        self.grow_memory(end)?;
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
            Content::Disk(file) => disk::write_at(file, bytes, offset)?,
        }
        self.size = self.size.max(end);
        Ok(())
    }

    /// Cuts the file off, or extends it by zeros. Cutting to nothing cannot fail, and is back in
    /// memory.
    pub fn truncate(&mut self, size: u64) -> io::Result<()> {
        if size == 0 {
            self.drop_content();
            self.size = 0;
            return Ok(());
        }
        self.grow_memory(size)?;
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
            Content::Disk(file) => file.set_len(size)?,
        }
        self.size = size;
        Ok(())
    }

    /// Takes the memory that a file of `size` bytes needs, or moves the file to disk.
    fn grow_memory(&mut self, size: u64) -> io::Result<()> {
        let Content::Memory(chunks) = &mut self.content else {
            return Ok(());
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
        let file = tempfile::tempfile_in(&self.pool.dir)?;
        for (index, chunk) in chunks.iter().enumerate() {
            disk::write_at(&file, chunk, (index * CHUNK_BYTES) as u64)?;
        }
        file.set_len(self.size)?;
        self.pool.files_spilled.fetch_add(1, Ordering::Relaxed);
        self.drop_content();
        self.content = Content::Disk(file);
        Ok(())
    }

    fn drop_content(&mut self) {
        let content = std::mem::replace(&mut self.content, Content::Memory(Vec::new()));
        if let Content::Memory(chunks) = content {
            self.pool.give_back((chunks.len() * CHUNK_BYTES) as u64);
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
