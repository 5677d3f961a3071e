//! Source → object, by way of the cache: the order of steps, and how long each took.

use crate::back::maths;
use crate::budget::Budget;
use crate::cache::ObjectCache;
use crate::cpu::{CpuLevel, Tier};
use crate::error::CompileError;
use crate::front::child::ChildLimits;
use crate::front::closure::{Closure, KnowsLibraries, gather};
use crate::front::command::FaustCommand;
use crate::front::half::{FrontHalf, IsCancelled, Translation};
use crate::front::libraries::Libraries;
use crate::front::own::OwnFront;
use crate::object::{Object, ObjectKey};
use crate::recent::Recent;
use crate::source::{ProgramText, Source, Standard};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// How long the steps of a compile took; zero for those that were not needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings {
    /// Reading and checking the text with its imports, and asking the cache.
    pub gather: Duration,
    /// The front half.
    pub front: Duration,
    /// LLVM.
    pub back: Duration,
}

/// A compiled program and how it came about.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The program.
    pub object: Arc<Object>,
    /// What it was compiled from.
    pub text: Arc<ProgramText>,
    /// Whether it was in the cache.
    pub cached: bool,
    /// How long it took.
    pub timings: Timings,
}

/// Looks for the `faust` command.
pub type FindCommand = Box<dyn Fn() -> Option<FaustCommand> + Send + Sync>;

/// What translates texts. Those that get our library alone ([`Standard::Own`]) are always translated by the compiler of
/// our own, so that they sound the same on every machine.
pub enum Front {
    /// The compiler of our own, with these libraries.
    Own(Libraries),
    /// The `faust` command. It is looked for when it is first needed, and again for each program until it is
    /// found: it may be installed meanwhile, or the process may have been out of descriptors.
    Command(FindCommand),
}

impl From<FaustCommand> for Front {
    fn from(command: FaustCommand) -> Self {
        Self::Command(Box::new(move || Some(command.clone())))
    }
}

/// The `faust` command, once it is found.
struct Command {
    find: FindCommand,
    found: OnceLock<FaustCommand>,
}

impl Command {
    fn get(&self) -> Option<&FaustCommand> {
        self.found.get().or_else(|| {
            let found = (self.find)()?;
            Some(self.found.get_or_init(|| found))
        })
    }
}

/// Compiles programs: front half, back half and cache with their limits.
pub struct Compiler {
    own: OwnFront,
    /// What translates all but what gets our library alone, if it is not the compiler of our own.
    command: Option<Command>,
    cache: ObjectCache,
    /// What the front half said lately, so that one text is given to it once.
    recent: Recent,
    cpu: CpuLevel,
    /// Limits of the back half.
    pub budget: Budget,
    /// Limits of the front half.
    pub limits: ChildLimits,
}

/// A program whose text is read and checked: its translation, once it is there, makes objects of any tier.
#[derive(Clone)]
pub(crate) struct Prepared {
    closure: Closure,
    text: Arc<ProgramText>,
    layout: blake3::Hash,
    front: blake3::Hash,
    translation: Option<Translation>,
}

impl Prepared {
    /// What it is made of.
    pub(crate) fn text(&self) -> &Arc<ProgramText> {
        &self.text
    }

    /// Takes the translation of another that is the same program.
    pub(crate) fn share(&mut self, other: &Self) {
        if self.layout == other.layout && self.translation.is_none() {
            self.translation.clone_from(&other.translation);
        }
    }
}

/// The text of a program and of what it imports, as it is now. What is in none of its folders counts as one of FAUST's
/// own libraries.
///
/// # Errors
/// If a file cannot be read, is too large or no text, or if any of them asks for what programs may not do.
pub fn read_program(source: &Source) -> Result<ProgramText, CompileError> {
    gather(source, None, maths::may_be_named).map(|closure| closure.text)
}

impl Compiler {
    /// A compiler for this machine's CPU.
    ///
    /// # Errors
    /// If the CPU is below every level that code is made for.
    pub fn new(front: Front, cache: ObjectCache) -> Result<Self, CompileError> {
        let cpu = CpuLevel::host().ok_or_else(|| {
            CompileError::Code("this CPU is older than x86-64-v2: FAUST programs need SSE4.2".to_owned())
        })?;
        Ok(Self::for_cpu(front, cache, cpu))
    }

    /// A compiler for a CPU level, which must be one that this machine has for its objects to be played.
    pub fn for_cpu(front: Front, cache: ObjectCache, cpu: CpuLevel) -> Self {
        let (budget, limits) = (Budget::default(), ChildLimits::default());
        let (libraries, command) = match front {
            Front::Own(libraries) => (libraries, None),
            Front::Command(find) => (Libraries::default(), Some(Command { find, found: OnceLock::new() })),
        };
        Self { own: OwnFront::new(libraries), command, cache, recent: Recent::default(), cpu, budget, limits }
    }

    /// The front half of a text, if there is one by now.
    fn front(&self, standard: Standard) -> Option<&dyn FrontHalf> {
        match &self.command {
            Some(command) if standard == Standard::Installed => {
                command.get().map(|command| command as &dyn FrontHalf)
            }
            _ => Some(&self.own),
        }
    }

    /// Which of FAUST's own libraries programs are compiled with: their own number, and the beginning of a hash of their
    /// text.
    pub fn library_version(&self) -> Option<&str> {
        self.front(Standard::Installed).map(FrontHalf::library_version)
    }

    /// The object of a program, from the cache or compiled. `cancelled` is asked again and again.
    ///
    /// # Errors
    /// If the program is wrong, too large, or asks for what programs may not do; if the front half
    /// fails or is missing; or if `cancelled` said so.
    pub fn compile(
        &self,
        source: &Source,
        tier: Tier,
        cancelled: IsCancelled<'_>,
    ) -> Result<Compiled, CompileError> {
        let started = Instant::now();
        let mut prepared = self.prepare(source)?;
        let gathered = started.elapsed();
        let mut compiled = self.finish(&mut prepared, tier, cancelled)?;
        compiled.timings.gather += gathered;
        Ok(compiled)
    }

    /// Reads and checks the text.
    pub(crate) fn prepare(&self, source: &Source) -> Result<Prepared, CompileError> {
        let front = self.front(source.standard);
        let closure = gather(source, front.map(|front| front as &dyn KnowsLibraries), maths::may_be_named)?;
        let front = match front {
            Some(front) => front.identity(source.standard),
            // What was compiled on this machine before still plays.
            None => self.cache.front().ok_or(CompileError::NoFaust)?,
        };
        let mut hasher = blake3::Hasher::new();
        hasher.update(closure.hash().as_bytes()).update(front.as_bytes());
        let text = Arc::new(closure.text.clone());
        Ok(Prepared { layout: hasher.finalize(), closure, text, front, translation: None })
    }

    pub(crate) fn key(&self, prepared: &Prepared, tier: Tier) -> ObjectKey {
        ObjectKey::new(prepared.closure.hash(), prepared.front, self.cpu, tier)
    }

    /// The object of a tier, if it was compiled before.
    pub(crate) fn cached(&self, prepared: &Prepared, tier: Tier) -> Option<Compiled> {
        let started = Instant::now();
        let object = self.cache.find(self.key(prepared, tier))?;
        let timings = Timings { gather: started.elapsed(), ..Timings::default() };
        Some(Compiled { object, text: prepared.text.clone(), cached: true, timings })
    }

    /// Makes the object of a tier, running the front half only if nothing else helps.
    pub(crate) fn finish(
        &self,
        prepared: &mut Prepared,
        tier: Tier,
        cancelled: IsCancelled<'_>,
    ) -> Result<Compiled, CompileError> {
        if let Some(compiled) = self.cached(prepared, tier) {
            return Ok(compiled);
        }
        let mut timings = Timings::default();
        let key = self.key(prepared, tier);
        let translation = match &prepared.translation {
            Some(translation) => translation.clone(),
            None => {
                let front = self.front(prepared.closure.standard).ok_or(CompileError::NoFaust)?;
                let started = Instant::now();
                let run = || front.translate(&prepared.closure, self.limits, cancelled);
                let translation = self.recent.find_or(prepared.layout, run)?;
                timings.front = started.elapsed();
                prepared.translation = Some(translation.clone());
                translation
            }
        };
        if cancelled() {
            return Err(CompileError::Cancelled);
        }
        let started = Instant::now();
        let layout = *prepared.layout.as_bytes();
        let name = &prepared.closure.name;
        let object = {
            let double = prepared.closure.double;
            Object::compile(name, &translation, key, layout, double, (self.cpu, tier), &self.budget)?
        };
        timings.back = started.elapsed();
        let object = Arc::new(object);
        self.cache.keep(&object);
        let command = self.command.as_ref().and_then(Command::get);
        if command.is_some_and(|command| command.identity() == prepared.front) {
            self.cache.keep_front(prepared.front);
        }
        if cancelled() {
            return Err(CompileError::Cancelled);
        }
        Ok(Compiled { object, text: prepared.text.clone(), cached: false, timings })
    }
}
