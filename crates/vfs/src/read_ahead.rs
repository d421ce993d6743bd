//! Which pages to bring along with one that has to be read from the store.
//!
//! A *stream* is a scan that was seen to go on: over the children of interior pages in their
//! order, or over the pages of the file in theirs. It ends in an *edge*, the last page it brought.
//! Only a miss right after an edge brings more, twice as many as the last time. So random reads
//! bring nothing: they begin no stream and are at no stream's edge.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use actor_sqlite_ltx::Pgno;

use crate::tally::Tally;
use crate::tree::{Base, Direction, Position, Tree};

/// The most streams of one mount.
const STREAMS_MAX: usize = 8;

/// How many of the last misses may have been the beginning of a stream over the file.
const RECENT: usize = 16;

/// What a stream brings first, unless the last ones were for nothing.
const FIRST_PAGES: usize = 4;

/// How many pages that need no store may lie between an edge and a miss: they were cached, or the
/// transaction wrote them.
const PRESENT_STEPS: usize = 16;

/// How many pages may be missing there: SQLite had them in its own cache.
const ABSENT_STEPS: usize = 2;

/// A stream that stood still while so many other pages were missed brings half as many.
const HALVED_AFTER_MISSES: u64 = 64;

/// What to read from the store for a miss.
pub(crate) struct Plan {
    /// The page missed and those predicted, ascending.
    pub pages: Vec<Pgno>,
    /// The stream's, if the miss belongs to one.
    pub tally: Option<Arc<Tally>>,
}

/// Along which order a stream goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Tree,
    File,
}

struct Stream {
    order: Order,
    way: Direction,
    edge: Pgno,
    /// How many pages it brings next, before what it did with the last is known.
    window: usize,
    /// How many it brought the last time, and the tally's counts before that.
    last: u64,
    used_before: u64,
    evicted_before: u64,
    /// The miss that moved it last.
    moved: u64,
    tally: Arc<Tally>,
}

/// What a mount has learned of its reads.
pub(crate) struct ReadAhead {
    tree: Tree,
    streams: Vec<Stream>,
    recent: [Option<Pgno>; RECENT],
    misses: u64,
    /// What a new stream brings first.
    first: usize,
    /// Lower after pages were evicted before they were used.
    window_max: usize,
    evicted: Arc<AtomicU64>,
}

impl ReadAhead {
    /// Pages of the mount that are evicted unused are counted in `evicted`.
    pub fn new(evicted: Arc<AtomicU64>) -> Self {
        Self {
            tree: Tree::default(),
            streams: Vec::new(),
            recent: [None; RECENT],
            misses: 0,
            first: FIRST_PAGES,
            window_max: usize::MAX,
            evicted,
        }
    }

    pub fn knows(&self, pgno: Pgno) -> bool {
        self.tree.knows(pgno)
    }

    /// A page that is, was or may be an interior page of a tree.
    pub fn learn(&mut self, pgno: Pgno, children: Option<Box<[Pgno]>>) {
        self.tree.put(pgno, children);
    }

    /// A page that the tally's stream brought is used: the stream is alive.
    pub fn used(&mut self, tally: &Arc<Tally>) {
        let stream = self.streams.iter_mut().find(|stream| Arc::ptr_eq(&stream.tally, tally));
        if let Some(stream) = stream {
            stream.moved = self.misses;
        }
    }

    /// A read with predicted pages failed: the stream is over.
    pub fn failed(&mut self, tally: &Arc<Tally>) {
        self.streams.retain(|stream| !Arc::ptr_eq(&stream.tally, tally));
    }

    /// A page has to be read from the store: what else to bring, at most `pages_max`.
    pub fn plan(&mut self, pgno: Pgno, pages_max: usize, base: &dyn Base) -> Plan {
        self.misses += 1;
        let at = self.tree.find(pgno);
        let slot = match self.continued(pgno, at, base) {
            Some(slot) => {
                self.grow(slot);
                self.turn_to_tree(slot, pgno, at, base);
                Some(slot)
            }
            None => self.begun(pgno, at, base).map(|stream| self.begin(stream)),
        };
        if let Some(at) = at {
            self.tree.visit(at, self.misses);
        }
        self.recent[(self.misses % RECENT as u64) as usize] = Some(pgno);
        let Some(slot) = slot else { return Plan { pages: vec![pgno], tally: None } };
        let count = self.streams[slot].window.min(pages_max).min(self.window_max);
        let (mut pages, edge) = self.predict(slot, pgno, at, count, base);
        pages.sort_unstable();
        pages.dedup();
        pages.retain(|page| *page != pgno);
        let stream = &mut self.streams[slot];
        stream.edge = edge;
        stream.window = count;
        stream.moved = self.misses;
        stream.sent(pages.len() as u64);
        let before = pages.partition_point(|page| *page < pgno);
        pages.insert(before, pgno);
        Plan { pages, tally: Some(stream.tally.clone()) }
    }

    /// The pages after a miss, and the last page that was passed on the way.
    fn predict(
        &mut self,
        slot: usize,
        pgno: Pgno,
        at: Option<Position>,
        count: usize,
        base: &dyn Base,
    ) -> (Vec<Pgno>, Pgno) {
        let Stream { order, way, .. } = self.streams[slot];
        if let (Order::Tree, Some(at)) = (order, at) {
            let (pages, edge) = self.tree.ahead(at, way, count, base);
            return (pages, edge.unwrap_or(pgno));
        }
        let (mut pages, mut edge) = (Vec::new(), pgno);
        for _ in 0..2 * count + PRESENT_STEPS {
            if pages.len() >= count {
                break;
            }
            let page = way.page_after(edge).filter(|page| page.get() <= base.size());
            let Some(page) = page else { break };
            edge = page;
            if base.is_absent(page) {
                pages.push(page);
            }
        }
        (pages, edge)
    }

    /// A stream over the file that turns out to go along the leaves of a tree does that from now on:
    /// it ends where the tree ends.
    fn turn_to_tree(&mut self, slot: usize, pgno: Pgno, at: Option<Position>, base: &dyn Base) {
        let back = self.streams[slot].way.reverse();
        let before = at.and_then(|at| self.tree.next(at, back, base));
        let child = before.and_then(|before| self.tree.child(before));
        if child.is_some() && child == back.page_after(pgno) {
            self.streams[slot].order = Order::Tree;
        }
    }

    /// The stream at whose edge a miss is.
    fn continued(&mut self, pgno: Pgno, at: Option<Position>, base: &dyn Base) -> Option<usize> {
        for order in [Order::Tree, Order::File] {
            for way in Direction::BOTH {
                if !self.streams.iter().any(|stream| (stream.order, stream.way) == (order, way)) {
                    continue;
                }
                let found = self.back(order, way.reverse(), (pgno, at), base, |ahead, page| {
                    let mine = |stream: &Stream| {
                        (stream.order, stream.way, stream.edge) == (order, way, page)
                    };
                    ahead.streams.iter().position(mine)
                });
                if found.is_some() {
                    return found;
                }
            }
        }
        None
    }

    /// Walks back from a miss until `found`, over a few pages that did not have to be read.
    fn back<T>(
        &mut self,
        order: Order,
        way: Direction,
        (mut pgno, mut at): (Pgno, Option<Position>),
        base: &dyn Base,
        found: impl Fn(&Self, Pgno) -> Option<T>,
    ) -> Option<T> {
        let mut absent = 0;
        for _ in 0..PRESENT_STEPS {
            pgno = match order {
                Order::File => way.page_after(pgno)?,
                Order::Tree => {
                    at = self.tree.next(at?, way, base);
                    self.tree.child(at?)?
                }
            };
            if let Some(found) = found(self, pgno) {
                return Some(found);
            }
            if base.is_absent(pgno) {
                absent += 1;
                if absent > ABSENT_STEPS {
                    return None;
                }
            }
        }
        None
    }

    /// The stream that a miss begins, together with one of before.
    fn begun(&mut self, pgno: Pgno, at: Option<Position>, base: &dyn Base) -> Option<Stream> {
        if let Some(at) = at
            && let Some((before, time)) = self.tree.visited(at)
        {
            let way = if before < at.index { Direction::Forward } else { Direction::Backward };
            let near = self.all_present(at, before, way, base);
            // A table has many parents, and each has a child that was read last.
            let window = if self.misses - time <= 2 { self.first } else { self.first.min(1) };
            if near {
                return Some(self.stream(Order::Tree, way, window));
            }
        }
        let way = Direction::BOTH.into_iter().find(|way| {
            let mut before = way.reverse().page_after(pgno);
            for _ in 0..PRESENT_STEPS {
                let Some(page) = before.filter(|page| *page > Pgno::ONE) else { return false };
                if self.recent.contains(&Some(page)) {
                    return true;
                }
                if base.is_absent(page) {
                    return false;
                }
                before = way.reverse().page_after(page);
            }
            false
        })?;
        Some(self.stream(Order::File, way, self.first))
    }

    /// Whether the child at `before` is right before `at`, but for children that are here.
    fn all_present(&self, at: Position, before: usize, way: Direction, base: &dyn Base) -> bool {
        let between = match way {
            Direction::Forward => before + 1..at.index,
            Direction::Backward => at.index + 1..before,
        };
        before != at.index
            && between.len() <= PRESENT_STEPS
            && between.into_iter().all(|index| {
                let page = self.tree.child(Position { index, ..at });
                page.is_some_and(|page| !base.is_absent(page))
            })
    }

    fn stream(&self, order: Order, way: Direction, window: usize) -> Stream {
        Stream {
            order,
            way,
            edge: Pgno::ONE,
            window,
            last: 0,
            used_before: 0,
            evicted_before: 0,
            moved: self.misses,
            tally: Tally::new(self.evicted.clone()),
        }
    }

    /// Takes a new stream up, in place of the one that stood still for longest.
    fn begin(&mut self, stream: Stream) -> usize {
        if self.streams.len() >= STREAMS_MAX {
            let slots = 0..self.streams.len();
            if let Some(oldest) = slots.min_by_key(|slot| self.streams[*slot].moved) {
                let ended = self.streams.swap_remove(oldest);
                self.judge(&ended.tally);
            }
        }
        self.streams.push(stream);
        self.streams.len() - 1
    }

    /// Learns from a stream that is over what the next ones may bring first.
    fn judge(&mut self, tally: &Tally) {
        let (brought, used) = (tally.brought(), tally.used());
        if brought == 0 {
            return;
        }
        self.first = match used * 2 >= brought {
            true => (self.first + 1).min(FIRST_PAGES),
            false => self.first / 2,
        };
    }

    /// Sets how much a stream brings next by what became of the last.
    fn grow(&mut self, slot: usize) {
        let stream = &mut self.streams[slot];
        let used = stream.tally.used() - stream.used_before;
        let evicted = stream.tally.evicted() - stream.evicted_before;
        if evicted * 4 > stream.last {
            self.window_max = (stream.window / 2).max(1);
        } else {
            self.window_max = self.window_max.saturating_add(self.window_max / 16 + 1);
        }
        let window = match used * 2 < stream.last {
            true => stream.window / 2,
            false => stream.window.saturating_mul(2),
        };
        let idle = (self.misses - stream.moved) / HALVED_AFTER_MISSES;
        stream.window = (window >> idle.min(31)).max(1);
    }
}

impl Stream {
    /// It brings so many pages.
    fn sent(&mut self, pages: u64) {
        self.last = pages;
        self.used_before = self.tally.used();
        self.evicted_before = self.tally.evicted();
        self.tally.add_brought(pages);
    }
}
