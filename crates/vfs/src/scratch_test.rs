//! A scratch file against a plain array of bytes, in memory, on disk and on its way.

use std::sync::Arc;

use crate::scratch::{ScratchFile, ScratchPool};

fn run(seed: u64, budget: u64) -> u64 {
    println!("SEED={seed}");
    let mut state = seed;
    let mut below = |bound: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    };
    let pool = ScratchPool::new(budget, None, std::env::temp_dir());
    let mut file = ScratchFile::new(Arc::clone(&pool));
    let mut model: Vec<u8> = Vec::new();
    for _ in 0..3000 {
        let offset = below(200_000) as usize;
        let length = below(40_000) as usize;
        match below(8) {
            0..4 => {
                let bytes = vec![below(255) as u8 + 1; length];
                model.resize(model.len().max(offset + length), 0);
                model[offset..offset + length].copy_from_slice(&bytes);
                file.write(offset as u64, &bytes).unwrap();
            }
            4 => {
                let size = if below(4) == 0 { 0 } else { offset };
                model.resize(size, 0);
                file.truncate(size as u64).unwrap();
            }
            _ => {
                let mut bytes = vec![0; length];
                let read = file.read(offset as u64, &mut bytes).unwrap();
                let end = model.len().min(offset + length);
                assert_eq!(bytes[..read], *model.get(offset..end).unwrap_or_default());
            }
        }
        assert_eq!(file.size(), model.len() as u64);
        assert!(pool.bytes_used() <= budget);
        let on_disk = pool.disk_bytes_used();
        assert!(on_disk == 0 || on_disk == model.len() as u64, "{on_disk}");
        assert!(on_disk > 0 || pool.bytes_used() >= model.len() as u64);
    }
    drop(file);
    assert_eq!((pool.bytes_used(), pool.disk_bytes_used()), (0, 0));
    pool.files_spilled()
}

#[test]
fn a_scratch_file_is_an_array() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(3);
    assert_eq!(run(seed, u64::MAX), 0);
    assert!(run(seed + 1, 0) > 0);
    assert!(run(seed + 2, 150_000) > 0);
}
