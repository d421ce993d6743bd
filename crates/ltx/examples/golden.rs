//! Writes the golden files that do not exist yet into `golden/ltx`; never changes one that does.
//!
//! `cargo run --release -p actor-sqlite-ltx --example golden`

#[path = "../tests/common/golden.rs"]
mod golden;

use std::fs::OpenOptions;
use std::io::{ErrorKind, Result, Write};
use std::path::PathBuf;

fn main() -> Result<()> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../golden/ltx");
    std::fs::create_dir_all(&directory)?;
    for golden in golden::files() {
        let path = directory.join(&golden.name);
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => {
                file.write_all(&golden.encode())?;
                println!("wrote {}", golden.name);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                println!("{} exists, left as it is", golden.name);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
