//! Every content that a crash could leave behind.

use std::sync::Arc;

use crate::image::Image;
use crate::mem::{MemKv, SyncMode};
use crate::{Limits, Ticket};

/// The step after which a crash is imagined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoundaryKind {
    /// The store was made.
    Open,
    /// A batch was ordered.
    Commit,
    /// All that was ordered became durable.
    Sync,
}

/// A moment at which the set of contents that a crash could leave changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Boundary {
    /// The step that made it.
    pub kind: BoundaryKind,
    /// The highest durable ticket: a crash keeps at least this much.
    pub durable: Ticket,
    /// The highest ordered ticket: a crash keeps at most this much.
    pub ordered: Ticket,
}

/// One content that a crash at a boundary could leave: all that was durable and the first few of
/// the commits ordered since. A log keeps prefixes, so there are no others.
#[derive(Clone, Debug)]
pub struct CrashImage {
    /// Where the crash was.
    pub boundary: Boundary,
    /// The last commit that survived, from `boundary.durable` to `boundary.ordered`.
    pub kept: Ticket,
    /// The rows.
    pub image: Image,
    limits: Limits,
}

impl CrashImage {
    /// A fresh store with that content, as a process that starts after the crash finds it.
    pub fn open(&self) -> Arc<MemKv> {
        Arc::new(MemKv::with(self.image.clone(), SyncMode::OnDemand, self.limits))
    }
}

/// The contents by ticket and the boundaries by time.
pub(super) struct History {
    limits: Limits,
    images: Vec<Image>,
    boundaries: Vec<Boundary>,
}

impl History {
    pub(super) fn new(image: Image, limits: Limits) -> Self {
        let (durable, ordered) = (Ticket::ZERO, Ticket::ZERO);
        let open = Boundary { kind: BoundaryKind::Open, durable, ordered };
        Self { limits, images: vec![image], boundaries: vec![open] }
    }

    pub(super) fn committed(&mut self, image: Image) {
        self.images.push(image);
        let ordered = Ticket(self.images.len() as u64 - 1);
        let durable = self.last().durable;
        self.boundaries.push(Boundary { kind: BoundaryKind::Commit, durable, ordered });
    }

    pub(super) fn synced(&mut self) -> Ticket {
        let ordered = self.last().ordered;
        self.boundaries.push(Boundary { kind: BoundaryKind::Sync, durable: ordered, ordered });
        ordered
    }

    /// The newest content was changed by hand.
    pub(super) fn edited(&mut self, image: Image) {
        self.images.pop();
        self.images.push(image);
    }

    pub(super) fn boundaries(&self) -> &[Boundary] {
        &self.boundaries
    }

    pub(super) fn last(&self) -> Boundary {
        *self.boundaries.last().expect("the opening is a boundary")
    }

    pub(super) fn crash(&self, boundary: Boundary, kept: Ticket) -> CrashImage {
        let image = self.images[kept.0 as usize].clone();
        CrashImage { boundary, kept, image, limits: self.limits }
    }
}
