//! A workload as a list of operations, so that it can be run again with fewer of them.
//!
//! An operation carries the seed of all it draws, and draws on nothing but the state it meets: what
//! is left of a list when some are taken out is a workload as good as the whole.

use std::fmt;
use std::sync::Arc;

use actor_sqlite_engine::{CompactionOptions, Engine, EngineOptions, MaintenanceBudget};
use actor_sqlite_kv::{FaultKv, Image, Kv, Limits, MemKv, SyncMode, Ticket};
use actor_sqlite_ltx::Pgno;
use actor_sqlite_pagestore::{ActorId, HintRange, Hints, PageStore, PageStoreAdmin, StoreError};
use fastrand::Rng;

use super::{Owner, PAGE, Pages, actor, engine_with, resume, staging};

/// One thing that an owner or the host does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A random transaction.
    Commit,
    /// A commit that is waited for.
    DurableCommit,
    /// A random transaction, of which a part is staged before the commit.
    StagedCommit,
    /// A transaction that stages pages and then neither commits nor gives them up.
    Abandon,
    /// A transaction that stages pages and gives them up.
    Discard,
    SaveHints,
    /// A release, and a claim that goes on with the lease.
    Sleep,
    Compact,
    Reclaim,
    Sweep,
    /// A round of maintenance over all databases.
    Maintain,
    /// A claim by the engine that has the database.
    Claim,
    /// Another engine, and a claim.
    Restart,
    Release,
    /// A deletion, after which the owner of before tries to go on.
    Delete,
    /// A sync that nobody waited for.
    Sync,
}

#[derive(Clone, Copy)]
pub struct Op {
    pub what: What,
    pub db: u8,
    pub seed: u32,
    /// It comes after the recovery from a crash.
    pub again: bool,
}

impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = if self.again { "after recovery, " } else { "" };
        write!(f, "{when}{:?} of database {} (seed {:#x})", self.what, self.db, self.seed)
    }
}

/// Random operations.
pub fn ops(rng: &mut Rng, count: usize, databases: u8) -> Vec<Op> {
    let mut op = || {
        let what = match rng.u32(0..100) {
            0..30 => What::Commit,
            30..43 => What::StagedCommit,
            43..46 => What::Abandon,
            46..48 => What::Discard,
            48..50 => What::DurableCommit,
            50..51 => What::SaveHints,
            51..53 => What::Sleep,
            53..65 => What::Compact,
            65..73 => What::Reclaim,
            73..75 => What::Sweep,
            75..82 => What::Maintain,
            82..87 => What::Claim,
            87..91 => What::Restart,
            91..94 => What::Release,
            94..96 => What::Delete,
            _ => What::Sync,
        };
        Op { what, db: rng.u8(0..databases), seed: rng.u32(..), again: false }
    };
    (0..count).map(|_| op()).collect()
}

/// What a workload runs on, drawn at random: sizes so small that whatever can take several chunks,
/// batches or rounds does.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    pub limits: Limits,
    pub options: EngineOptions,
    pub databases: u8,
    pub size_max: u32,
}

impl Setting {
    pub fn random(rng: &mut Rng) -> Self {
        fn one<T: Copy>(rng: &mut Rng, of: &[T]) -> T {
            of[rng.usize(..of.len())]
        }
        let compaction = CompactionOptions {
            delta_count: one(rng, &[2, 4, 64]),
            idle_delta_count: 2,
            idle_ms: 0,
            hard_delta_count: one(rng, &[6, 20, 4_096]),
            plan_bytes_max: one(rng, &[1_000, 8_000, 64 << 20]),
            batch_bytes: one(rng, &[1, 900, 5_000, 4 << 20]),
            retention_txids: one(rng, &[0, 1, 3]),
            ..CompactionOptions::default()
        };
        Self {
            limits: Limits {
                value_bytes_preferred: one(rng, &[1, 700, 2_000, 32 << 10]),
                ..MemKv::LIMITS
            },
            options: EngineOptions {
                compaction,
                actor_quota_bytes: one(rng, &[None, None, Some(40_000)]),
                namespace_quota_bytes: one(rng, &[None, None, Some(90_000)]),
                ..EngineOptions::default()
            },
            databases: rng.u8(1..=3),
            size_max: one(rng, &[3, 70, 150]),
        }
    }

    pub fn names(&self) -> Vec<ActorId> {
        (0..self.databases).map(|at| actor(&format!("db{at}"))).collect()
    }

    pub fn engine(&self, kv: Arc<dyn Kv>) -> Arc<Engine> {
        engine_with(kv, self.options)
    }

    pub fn store(&self, image: Image) -> Arc<FaultKv> {
        Arc::new(FaultKv::with(image, SyncMode::OnDemand, self.limits))
    }
}

/// The content of one database after each ticket that changed it.
#[derive(Clone, Default)]
pub struct States(Vec<(u64, Arc<Pages>)>);

impl States {
    /// States that begin with what is there.
    pub fn of(pages: Arc<Pages>) -> Self {
        Self(vec![(0, pages)])
    }

    /// What the database must hold if the batches up to `kept` survived.
    pub fn at(&self, kept: Ticket) -> Arc<Pages> {
        let behind = self.0.partition_point(|(ticket, _)| *ticket <= kept.0);
        behind.checked_sub(1).map(|at| self.0[at].1.clone()).unwrap_or_default()
    }

    /// The newest content.
    pub fn last(&self) -> Arc<Pages> {
        self.at(Ticket(u64::MAX))
    }

    /// The tickets that made states.
    pub fn tickets(&self) -> impl Iterator<Item = Ticket> + '_ {
        self.0.iter().map(|(ticket, _)| Ticket(*ticket))
    }
}

/// A store, the engine over it, and an owner for each database that somebody has claimed.
pub struct World {
    pub setting: Setting,
    pub kv: Arc<FaultKv>,
    /// What the engines see of it.
    pub seen: Arc<dyn Kv>,
    pub names: Vec<ActorId>,
    pub engine: Arc<Engine>,
    owners: Vec<Option<Owner>>,
    pub states: Vec<States>,
    /// Of each database, the deletions: the ticket, and the generation that was deleted.
    pub deletions: Vec<Vec<(Ticket, u64)>>,
    /// What was said to be durable: the number of boundaries by then, and the ticket.
    pub acknowledged: Vec<(usize, Ticket)>,
}

impl World {
    /// A world over a store whose databases are in these states.
    pub fn new(setting: Setting, kv: Arc<FaultKv>, states: Vec<States>) -> Self {
        Self::seeing(setting, kv.clone(), kv, states)
    }

    /// The same, with something between the engines and the store.
    pub fn seeing(
        setting: Setting,
        kv: Arc<FaultKv>,
        seen: Arc<dyn Kv>,
        states: Vec<States>,
    ) -> Self {
        let names = setting.names();
        let engine = setting.engine(seen.clone());
        let owners = names.iter().map(|_| None).collect();
        let (deletions, acknowledged) = (vec![Vec::new(); states.len()], Vec::new());
        Self { setting, kv, seen, names, engine, owners, states, deletions, acknowledged }
    }

    pub fn run(&mut self, ops: &[Op]) -> Result<(), String> {
        for (at, op) in ops.iter().enumerate() {
            self.step(*op).map_err(|reason| format!("operation {at}, {op:?}: {reason}"))?;
        }
        Ok(())
    }

    fn step(&mut self, op: Op) -> Result<(), String> {
        let db = usize::from(op.db % self.setting.databases);
        let name = self.names[db].clone();
        match op.what {
            What::Commit => drop(self.commit(db, op.seed, false)?),
            What::StagedCommit => drop(self.commit(db, op.seed, true)?),
            What::Abandon | What::Discard => self.stage(db, op)?,
            What::SaveHints => self.save_hints(db, op.seed)?,
            What::Sleep => self.sleep(db)?,
            What::DurableCommit => {
                if let Some(ticket) = self.commit(db, op.seed, false)? {
                    self.engine.wait_durable(ticket).map_err(text)?;
                    self.acknowledged.push((self.kv.boundaries().len() - 1, Ticket(ticket.0)));
                }
            }
            What::Compact => existing(self.engine.compact(&name))?,
            What::Reclaim => {
                let batches = op.seed as usize % 3 + 1;
                existing(self.engine.reclaim(&name, batches))?;
            }
            What::Sweep => existing(self.engine.sweep(&name, op.seed as usize % 3 + 1))?,
            What::Maintain => {
                let budget = MaintenanceBudget { reclaim_batches_max: 2, ..Default::default() };
                let report = self.engine.maintain(budget);
                if let Some((actor, error)) = report.failures.first() {
                    return Err(format!("maintenance of {actor}: {error}"));
                }
            }
            What::Claim => self.owners[db] = Some(self.claim(db)?),
            What::Restart => {
                self.engine = self.setting.engine(self.seen.clone());
                // Owners of the old engine are those of a host that is no more.
                self.owners.iter_mut().for_each(|owner| *owner = None);
                self.owners[db] = Some(self.claim(db)?);
            }
            What::Release => {
                if let Some(owner) = self.owners[db].take() {
                    self.engine.release(&owner.lease);
                }
            }
            What::Delete => self.delete(db)?,
            What::Sync => drop(self.kv.sync().map_err(text)?),
        }
        Ok(())
    }

    fn owner(&mut self, db: usize) -> Result<Owner, String> {
        match self.owners[db].take() {
            Some(owner) => Ok(owner),
            None => self.claim(db),
        }
    }

    /// `None` if a quota refused it.
    fn commit(
        &mut self,
        db: usize,
        seed: u32,
        staged: bool,
    ) -> Result<Option<actor_sqlite_pagestore::Ticket>, String> {
        let mut owner = self.owner(db)?;
        let mut rng = Rng::with_seed(u64::from(seed));
        let (pages, size) = owner.transaction(&mut rng, self.setting.size_max);
        let before = owner.head.txid;
        let committed = if staged {
            staging::commit(&mut owner, &mut rng, &pages, size)
        } else {
            owner.commit(&pages, size)
        };
        let ticket = match committed {
            Err(StoreError::Quota { .. }) => None,
            committed => {
                let committed = committed.map_err(text)?;
                if committed.head.txid != before {
                    let state = (committed.ticket.0, Arc::new(owner.model.clone()));
                    self.states[db].0.push(state);
                    self.within_quota(db)?;
                }
                Some(committed.ticket)
            }
        };
        self.owners[db] = Some(owner);
        Ok(ticket)
    }

    /// No commit that took place has led beyond the quota of its database.
    fn within_quota(&self, db: usize) -> Result<(), String> {
        let Some(quota) = self.setting.options.actor_quota_bytes else { return Ok(()) };
        let stat = self.engine.stat(&self.names[db]).map_err(text)?.ok_or("no such database")?;
        let stored = stat.stored_bytes;
        if stored <= quota { Ok(()) } else { Err(format!("{stored} bytes beyond {quota}")) }
    }

    fn stage(&mut self, db: usize, op: Op) -> Result<(), String> {
        let mut owner = self.owner(db)?;
        let mut rng = Rng::with_seed(u64::from(op.seed));
        let (pages, _) = owner.transaction(&mut rng, self.setting.size_max);
        let commit_id = owner.next_id();
        match staging::stage(&owner, commit_id, &pages) {
            Err(StoreError::Quota { .. }) => {}
            staged => staged.map_err(text)?,
        }
        if op.what == What::Discard {
            owner.engine.discard(&owner.lease, commit_id);
        }
        self.owners[db] = Some(owner);
        Ok(())
    }

    fn save_hints(&mut self, db: usize, seed: u32) -> Result<(), String> {
        let owner = self.owner(db)?;
        let first = Pgno::new(seed % self.setting.size_max + 1).ok_or("page 0")?;
        let ranges = vec![HintRange { first, pages: seed % 7 + 1, score: seed as u8 }];
        owner.engine.save_hints(&owner.lease, &Hints { ranges }).map_err(text)?;
        self.owners[db] = Some(owner);
        Ok(())
    }

    fn sleep(&mut self, db: usize) -> Result<(), String> {
        let owner = self.owner(db)?;
        owner.engine.release(&owner.lease);
        let claim = resume(&self.engine, &owner.lease).map_err(text)?;
        let owner = Owner::of(&self.engine, claim).map_err(text)?;
        if let Some(difference) = differing(&self.states[db].last(), &owner.model) {
            return Err(format!("resumed {}: {difference}", self.names[db]));
        }
        self.owners[db] = Some(owner);
        Ok(())
    }

    fn delete(&mut self, db: usize) -> Result<(), String> {
        let name = self.names[db].clone();
        let before = self.engine.stat(&name).map_err(text)?;
        let deletion = self.engine.delete(&name).map_err(text)?;
        if deletion.existed != before.is_some() || self.engine.exists(&name).map_err(text)? {
            return Err(format!("{name} is there after its deletion, or was not before"));
        }
        if let Some(stat) = before {
            self.states[db].0.push((deletion.ticket.0, Arc::default()));
            self.deletions[db].push((Ticket(deletion.ticket.0), stat.generation.0));
        }
        let Some(mut owner) = self.owners[db].take() else { return Ok(()) };
        match owner.commit(&Pages::from([(1, vec![1; PAGE as usize])]), 1) {
            Err(StoreError::Fenced { .. }) => Ok(()),
            other => Err(format!("the owner of what was deleted goes on: {other:?}")),
        }
    }

    /// Claims a database, and compares what is there with what must be.
    fn claim(&mut self, db: usize) -> Result<Owner, String> {
        let owner = Owner::try_claim(&self.engine, &self.names[db]).map_err(text)?;
        match differing(&self.states[db].last(), &owner.model) {
            None => Ok(owner),
            Some(difference) => Err(format!("claimed {}: {difference}", self.names[db])),
        }
    }
}

/// Maintenance of a database that nobody has made yet finds none.
fn existing<T>(outcome: Result<T, StoreError>) -> Result<(), String> {
    match outcome {
        Err(StoreError::NotFound { .. }) => Ok(()),
        outcome => outcome.map(drop).map_err(text),
    }
}

/// The rows of one database: what their keys have behind the prefix, and their values.
pub fn rows_of<'a>(image: &'a Image, name: &ActorId) -> Vec<(&'a [u8], &'a [u8])> {
    let mut prefix = vec![2];
    for part in [name.namespace(), name.name()] {
        prefix.extend_from_slice(part.as_bytes());
        prefix.push(0);
    }
    let path = |(key, value): (&'a [u8], &'a [u8])| Some((key.strip_prefix(&prefix[..])?, value));
    image.iter().filter_map(path).collect()
}

pub fn text(error: impl fmt::Display) -> String {
    error.to_string()
}

/// What is different between two contents; `None` if nothing is.
pub fn differing(expected: &Pages, actual: &Pages) -> Option<String> {
    if expected == actual {
        return None;
    }
    let (sizes, count) = ((expected.len(), actual.len()), PAGE);
    let page = (1..=sizes.0.max(sizes.1) as u32).find(|at| expected.get(at) != actual.get(at));
    Some(format!(
        "{} pages of {count} bytes instead of {}, the first other one is {page:?}",
        sizes.1, sizes.0
    ))
}
