//! The interior pages that a mount has read lately, and the way from one of their children to the
//! next.
//!
//! SQLite keeps interior pages in its own cache, and asks for leaves only. What was learned when
//! it read them tells which leaf follows which, however the leaves lie in the file.

use actor_sqlite_ltx::Pgno;

/// The most interior pages that are kept.
const INTERIORS_MAX: usize = 64;

/// The most children of all of them together: 128 KiB.
const CHILDREN_MAX: usize = 32 << 10;

/// No b-tree is deeper (`BTCURSOR_MAX_DEPTH`). Corrupt ones may lead in circles.
const DEPTH_MAX: u32 = 20;

/// From this many predicted leaves on, the interior pages after theirs are predicted with them.
const LOOK_AHEAD_MIN: usize = 16;

/// Which way a scan goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Forward,
    Backward,
}

impl Direction {
    pub const BOTH: [Self; 2] = [Self::Forward, Self::Backward];

    pub fn reverse(self) -> Self {
        match self {
            Self::Forward => Self::Backward,
            Self::Backward => Self::Forward,
        }
    }

    /// The page that follows in the file.
    pub fn page_after(self, pgno: Pgno) -> Option<Pgno> {
        match self {
            Self::Forward => pgno.get().checked_add(1).and_then(Pgno::new),
            Self::Backward => Pgno::new(pgno.get() - 1),
        }
    }

    fn index_after(self, index: usize) -> Option<usize> {
        match self {
            Self::Forward => index.checked_add(1),
            Self::Backward => index.checked_sub(1),
        }
    }
}

/// A child by its place in its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub parent: Pgno,
    pub index: usize,
}

/// What a guess may know of the database.
pub(crate) trait Base {
    /// The database's size in pages.
    fn size(&self) -> u32;

    /// Whether reading the page now would go to the store.
    fn is_absent(&self, pgno: Pgno) -> bool;

    /// The children of an interior page that is in memory.
    fn children(&self, pgno: Pgno) -> Option<Box<[Pgno]>>;
}

/// What follows a child.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// The next one.
    Next(Position),
    /// The child of an interior page that is not in memory, and where that one is.
    Unread(Position),
    /// Nothing that is known.
    End,
}

struct Interior {
    pgno: Pgno,
    children: Box<[Pgno]>,
    /// The lowest and the highest child: most searches end here.
    bounds: (Pgno, Pgno),
    /// The child that was read last, and when.
    visited: Option<(usize, u64)>,
    used: u64,
}

/// See the top of the file.
#[derive(Default)]
pub(crate) struct Tree {
    interiors: Vec<Interior>,
    children: usize,
    ticks: u64,
    /// Where the last search ended.
    last: usize,
}

impl Tree {
    pub fn knows(&self, pgno: Pgno) -> bool {
        self.slot(pgno).is_some()
    }

    /// Takes an interior page over, in place of what was known of it. `None` if it is none now.
    pub fn put(&mut self, pgno: Pgno, children: Option<Box<[Pgno]>>) {
        if let Some(slot) = self.slot(pgno) {
            self.remove(slot);
        }
        let Some(children) = children.filter(|children| children.len() <= CHILDREN_MAX) else {
            return;
        };
        while self.interiors.len() >= INTERIORS_MAX || self.children + children.len() > CHILDREN_MAX
        {
            let oldest = (0..self.interiors.len()).min_by_key(|slot| self.interiors[*slot].used);
            let Some(oldest) = oldest else { return };
            self.remove(oldest);
        }
        let (Some(low), Some(high)) = (children.iter().min(), children.iter().max()) else {
            return;
        };
        let bounds = (*low, *high);
        self.ticks += 1;
        self.children += children.len();
        let (visited, used) = (None, self.ticks);
        self.interiors.push(Interior { pgno, children, bounds, visited, used });
    }

    /// Where a page is a child, if that is known.
    pub fn find(&mut self, pgno: Pgno) -> Option<Position> {
        let first = self.last;
        let slots = std::iter::once(first).chain(0..self.interiors.len());
        for slot in slots {
            let Some(interior) = self.interiors.get_mut(slot) else { continue };
            if let Some(index) = interior.position(pgno) {
                self.ticks += 1;
                interior.used = self.ticks;
                self.last = slot;
                return Some(Position { parent: interior.pgno, index });
            }
        }
        None
    }

    /// Takes note that a child is read at `time`.
    pub fn visit(&mut self, at: Position, time: u64) {
        if let Some(slot) = self.slot(at.parent) {
            self.interiors[slot].visited = Some((at.index, time));
        }
    }

    /// Which child of the same parent was read last, and when.
    pub fn visited(&self, at: Position) -> Option<(usize, u64)> {
        self.interiors[self.slot(at.parent)?].visited
    }

    /// The page at a position.
    pub fn child(&self, at: Position) -> Option<Pgno> {
        self.interiors[self.slot(at.parent)?].children.get(at.index).copied()
    }

    /// The position after one, as far as it is known.
    pub fn next(&mut self, at: Position, way: Direction, base: &dyn Base) -> Option<Position> {
        match self.step(at, way, base, DEPTH_MAX) {
            Step::Next(next) => Some(next),
            Step::Unread(_) | Step::End => None,
        }
    }

    /// Up to `count` absent pages that a scan reads after `from`, and the last child passed: its
    /// leaves, and the interior pages that will be needed for those after them.
    pub fn ahead(
        &mut self,
        from: Position,
        way: Direction,
        count: usize,
        base: &dyn Base,
    ) -> (Vec<Pgno>, Option<Pgno>) {
        let interiors_max = (count / 16).max(1);
        let leaves_max = if count < LOOK_AHEAD_MIN { count } else { count - interiors_max };
        let (mut pages, mut at) = (Vec::new(), from);
        let mut steps = 4 * count + 16;
        while pages.len() < leaves_max && steps > 0 {
            steps -= 1;
            match self.step(at, way, base, DEPTH_MAX) {
                Step::Next(next) => {
                    at = next;
                    pages.extend(self.child(at).filter(|page| base.is_absent(*page)));
                }
                Step::Unread(interior) => {
                    pages.extend(self.child(interior).filter(|page| base.is_absent(*page)));
                    let more = interiors_max.min(count.saturating_sub(pages.len()));
                    self.interiors_after(interior, way, (count, more), base, &mut pages);
                    return (pages, self.child(at));
                }
                Step::End => return (pages, self.child(at)),
            }
        }
        if count >= LOOK_AHEAD_MIN
            && let Some(interior) = self.find(at.parent)
        {
            let left = self.left(at, way);
            let needed = (2 * count).saturating_sub(left);
            let more = interiors_max.min(count.saturating_sub(pages.len()));
            self.interiors_after(interior, way, (needed, more), base, &mut pages);
        }
        (pages, self.child(at))
    }

    /// The absent siblings after an interior page, as many as that number of leaves needs.
    fn interiors_after(
        &mut self,
        mut at: Position,
        way: Direction,
        (leaves, pages_max): (usize, usize),
        base: &dyn Base,
        pages: &mut Vec<Pgno>,
    ) {
        let known = self.child(at).and_then(|page| self.slot(page));
        let fan_out = match known {
            Some(slot) => self.interiors[slot].children.len(),
            None => self.children / self.interiors.len().max(1),
        };
        let end = pages.len() + pages_max;
        for _ in 0..leaves.div_ceil(fan_out.max(1)) {
            let Step::Next(next) = self.step(at, way, base, DEPTH_MAX) else { return };
            at = next;
            if pages.len() == end {
                return;
            }
            let absent = self.child(at).filter(|page| !self.knows(*page) && base.is_absent(*page));
            pages.extend(absent);
        }
    }

    /// How many children of the same parent follow.
    fn left(&self, at: Position, way: Direction) -> usize {
        let length = self.slot(at.parent).map_or(0, |slot| self.interiors[slot].children.len());
        match way {
            Direction::Forward => length.saturating_sub(at.index + 1),
            Direction::Backward => at.index,
        }
    }

    fn step(&mut self, at: Position, way: Direction, base: &dyn Base, depth: u32) -> Step {
        let Some(slot) = self.slot(at.parent) else { return Step::End };
        let length = self.interiors[slot].children.len();
        if let Some(index) = way.index_after(at.index).filter(|index| *index < length) {
            return Step::Next(Position { index, ..at });
        }
        let Some(up) = self.find(at.parent).filter(|_| depth > 0) else { return Step::End };
        let up = match self.step(up, way, base, depth - 1) {
            Step::Next(up) => up,
            other => return other,
        };
        let Some(parent) = self.child(up) else { return Step::End };
        if !self.knows(parent) {
            match base.children(parent) {
                Some(children) => self.put(parent, Some(children)),
                None => return Step::Unread(up),
            }
        }
        let Some(slot) = self.slot(parent) else { return Step::End };
        let index = match way {
            Direction::Forward => 0,
            Direction::Backward => self.interiors[slot].children.len() - 1,
        };
        Step::Next(Position { parent, index })
    }

    fn slot(&self, pgno: Pgno) -> Option<usize> {
        let hit = self.interiors.get(self.last).is_some_and(|interior| interior.pgno == pgno);
        if hit {
            return Some(self.last);
        }
        self.interiors.iter().position(|interior| interior.pgno == pgno)
    }

    fn remove(&mut self, slot: usize) {
        self.children -= self.interiors.swap_remove(slot).children.len();
    }
}

impl Interior {
    /// Where a page is among the children. In blocks, which the compiler turns into wide compares.
    fn position(&self, pgno: Pgno) -> Option<usize> {
        if pgno < self.bounds.0 || pgno > self.bounds.1 {
            return None;
        }
        let holds = |block: &[Pgno]| block.iter().fold(false, |any, child| any | (*child == pgno));
        let block = self.children.chunks(32).position(holds)?;
        let within = self.children[block * 32..].iter().position(|child| *child == pgno)?;
        Some(block * 32 + within)
    }
}
