//! What a thread in the background leaves to those in front.

/// Lets the system run this thread when others of the process do not need the processor; a little is
/// left to it in any case, so that its work never stands still. For threads that nobody waits for.
pub fn lower() {
    #[cfg(target_os = "linux")]
    linux::lower();
}

#[cfg(target_os = "linux")]
mod linux {
    /// Against a thread of ordinary priority this is one part in ten.
    const NICE: i32 = 10;

    /// The longest slice there is, in nanoseconds. Since Linux 6.12 who wakes with a shorter one
    /// (3 ms unless it says otherwise) need not wait for the end of it.
    const SLICE_NS: u64 = 100_000_000;

    /// From `linux/sched/types.h`, as of its first version.
    #[repr(C)]
    struct SchedAttr {
        size: u32,
        policy: u32,
        flags: u64,
        nice: i32,
        priority: u32,
        runtime_ns: u64,
        deadline_ns: u64,
        period_ns: u64,
    }

    pub fn lower() {
        let attr = SchedAttr {
            size: size_of::<SchedAttr>() as u32,
            policy: libc::SCHED_OTHER as u32,
            flags: 0,
            nice: NICE,
            priority: 0,
            runtime_ns: SLICE_NS,
            deadline_ns: 0,
            period_ns: 0,
        };
        // SAFETY: the system reads `size` bytes of it. Thread 0 is the calling one. What an old or
        // walled-in system refuses is left as it was.
        unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attr, 0) };
    }
}
