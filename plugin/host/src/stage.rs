//! An instance on a stage: a transport that moves, a socket that listens, a tape that runs.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::Client;
use crate::error::HostError;
use crate::events::{InputEvent, OutputEvent};
use crate::hosted::{Hosted, Playing};
use crate::instance::{Instance, Ports};
use crate::library::default_plugin;
use crate::performance::{Performance, Step};
use crate::presets::Place;
use crate::render::{Length, RenderOptions, Rendered, Reply, Save, Stem};
use crate::tape::Tape;
use crate::transport::{BlockPlan, ONSET_TOLERANCE, Player, When};

/// How long the plugin may take to open its socket.
const SOCKET_WAIT: Duration = Duration::from_secs(10);
/// How long a plain reply may take.
const REPLY_WAIT: Duration = Duration::from_secs(10);
/// How long a `sync` may take after everything that it waits for has been rendered.
const SYNC_WAIT: Duration = Duration::from_secs(60);
/// How long the plugin may take to say what came of a program that was saved.
const SAVE_WAIT: Duration = Duration::from_secs(60);
/// How long it may take where the transport does not come to what it waits for.
const UNREACHED_WAIT: Duration = Duration::from_secs(3);

/// Renders block by block on the present thread; for whatever [`crate::render_performance`] cannot
/// say. Time moves only in [`Self::advance`] and in what calls it.
pub struct Stage<I: Hosted = Instance> {
    instance: I,
    processor: Option<I::Processor>,
    ports: Ports,
    player: Player,
    client: Option<Client>,
    options: RenderOptions,
    plan: BlockPlan,
    block_events: Vec<InputEvent>,
    next_event: usize,
    tape: Tape,
    sent: Vec<OutputEvent>,
    replies: Vec<Reply>,
    saves: Vec<Save>,
    /// A connection that hears of compiles, from the first save on.
    listener: Option<Client>,
    beats_per_cycle: f64,
    /// The largest position in cycles that a reply has named since the last sync.
    named_position: Option<f64>,
    began: Instant,
    in_process: Duration,
    told: Instant,
}

impl<I: Hosted> Stage<I> {
    /// Loads the plugin, makes an instance, gives it its state, activates it, and connects to its
    /// socket if `with_socket`.
    ///
    /// # Errors
    /// Whatever fails first.
    pub fn open(options: &RenderOptions, with_socket: bool) -> Result<Self, HostError> {
        let path = match &options.plugin {
            Some(path) => path.clone(),
            None => default_plugin()?,
        };
        let mut instance = I::open(&path, options.plugin_id.as_deref(), with_socket.then_some(SOCKET_WAIT))?;
        if let Some(chunk) = &options.state {
            instance.load_state(chunk)?;
        }
        let offline = instance.set_offline(!options.realtime);
        if offline.is_err() && !options.realtime && with_socket {
            eprintln!("krach-host: the plugin knows no offline mode; edits may act late");
        }
        let mut client = instance.socket().map(Client::connect).transpose()?;
        if let Some(place) = &options.preset {
            load_preset(&mut instance, client.as_mut(), place)?;
        }
        let ports = instance.ports();
        let max_frames = options.blocks.longest().max(1);
        let processor = instance.activate(options.sample_rate, max_frames)?;
        let mut options = options.clone();
        options.events.sort_by_key(|event| event.frame);
        Ok(Self {
            tape: Tape::open(&options.record, options.sample_rate, &ports.outputs)?,
            player: Player::new(&options.script, &options.blocks, options.sample_rate),
            beats_per_cycle: options.beats_per_cycle,
            processor: Some(processor),
            instance,
            ports,
            client,
            options,
            plan: BlockPlan::default(),
            block_events: Vec::new(),
            next_event: 0,
            sent: Vec::new(),
            replies: Vec::new(),
            saves: Vec::new(),
            listener: None,
            named_position: None,
            began: Instant::now(),
            in_process: Duration::ZERO,
            told: Instant::now(),
        })
    }

    /// The instance, for parameters, state and what was observed.
    pub fn instance(&mut self) -> &mut I {
        &mut self.instance
    }

    /// The transport, to ask it or to give it more to do.
    pub fn player(&mut self) -> &mut Player {
        &mut self.player
    }

    /// The connection, if the stage was opened with one.
    pub fn client(&mut self) -> Option<&mut Client> {
        self.client.as_mut()
    }

    /// The audio side, for port feeds and the like.
    pub fn processor(&mut self) -> &mut I::Processor {
        self.processor.as_mut().expect("the processor is there until finish")
    }

    /// What was recorded so far in memory of one channel of an output port.
    pub fn recorded(&self, port: usize, channel: usize) -> &[f32] {
        self.tape.recorded(port, channel)
    }

    /// Forgets the sound that was recorded so far, of which [`Self::finish`] then knows nothing: for hours
    /// that are looked at block by block.
    pub fn forget(&mut self) {
        self.tape.forget();
    }

    /// Renders one block; in realtime, not before its time has come.
    ///
    /// # Errors
    /// As [`Playing::process`].
    pub fn advance(&mut self) -> Result<(), HostError> {
        if self.options.realtime {
            let due = Duration::from_secs_f64(self.player.frame() as f64 / self.options.sample_rate);
            while let Some(early) = due.checked_sub(self.began.elapsed()).filter(|d| !d.is_zero()) {
                self.instance.idle();
                std::thread::sleep(early.min(Duration::from_millis(2)));
            }
        }
        self.player.next_block_into(&mut self.plan);
        let plan = &self.plan;
        let processor = self.processor.as_mut().expect("the processor is there until finish");
        let end = plan.start + plan.frames as u64;
        self.block_events.clear();
        while let Some(event) = self.options.events.get(self.next_event) {
            if event.frame >= end {
                break;
            }
            self.block_events
                .push(InputEvent { offset: event.frame.saturating_sub(plan.start) as u32, kind: event.kind });
            self.next_event += 1;
        }
        if let Some(sidechain) = &self.options.sidechain {
            // Mono goes to all channels.
            for (channel, buffer) in processor.input_mut(0).iter_mut().enumerate() {
                let Some(samples) = sidechain.get(channel.min(sidechain.len() - 1)) else { break };
                let rest = samples.get(plan.start as usize..).unwrap_or(&[]);
                let there = rest.len().min(plan.frames);
                buffer[..there].copy_from_slice(&rest[..there]);
                buffer[there..].fill(0.0);
            }
        }
        let before = Instant::now();
        processor.process(plan, &self.block_events)?;
        self.in_process += before.elapsed();
        // What the transport does later moves the end only while that is still ahead.
        let (start, frames) = (self.plan.start, self.plan.frames);
        let wanted = self.end_frame().saturating_sub(start).min(frames as u64) as usize;
        let processor = self.processor.as_mut().expect("the processor is there until finish");
        self.tape.take(wanted, |port, channel| processor.output(port, channel))?;
        self.sent.extend_from_slice(processor.sent());
        processor.clear_sent();
        self.instance.idle();
        self.tell_progress();
        Ok(())
    }

    /// Renders until the last rendered frame stands at or after this position in quarter notes, at
    /// least one block. Gives up, and returns false, once the host's time has moved a bar further
    /// than that without getting there, as happens in a loop or at a stop.
    ///
    /// # Errors
    /// As [`Self::advance`].
    pub fn render_past(&mut self, beats: f64) -> Result<bool, HostError> {
        const BAR: f64 = 4.0;
        let distance = (beats - self.player.beats()).max(0.0) + BAR;
        let give_up = self.player.elapsed_beats() + distance;
        let tolerance = ONSET_TOLERANCE * self.player.tempo() / (60.0 * self.options.sample_rate);
        loop {
            self.advance()?;
            let last = self.player.frame().saturating_sub(1);
            if self.player.truth().beats_at(last) >= beats - tolerance {
                return Ok(true);
            }
            if self.player.elapsed_beats() > give_up {
                return Ok(false);
            }
        }
    }

    /// Performs all lines, see [`crate::performance`].
    ///
    /// # Errors
    /// The first thing that fails. A request that the plugin refuses is not a failure; its reply is
    /// among [`Rendered::replies`].
    pub fn perform(&mut self, performance: &Performance) -> Result<(), HostError> {
        for step in &performance.steps {
            match step {
                Step::Host { when, action } => {
                    let now = When::Frame(self.player.frame());
                    self.player.schedule(when.unwrap_or(now), action.clone());
                }
                Step::Save { line, at, file, text } => {
                    if let Some(beats) = at {
                        self.render_up_to(*beats)?;
                    }
                    let save = self.save(*line, file, text)?;
                    self.saves.push(save);
                }
                Step::Request { line, text, sync, beats_per_cycle } => {
                    let reply = self.exchange(text, *sync)?;
                    if !is_error(&reply) {
                        self.beats_per_cycle = beats_per_cycle.unwrap_or(self.beats_per_cycle);
                    }
                    self.replies.push(Reply {
                        line: *line,
                        request: text.clone(),
                        refused: is_error(&reply),
                        reply,
                    });
                }
            }
        }
        Ok(())
    }

    /// Renders until the next frame is the first at or after this position in quarter notes, ending a
    /// block there whatever its length.
    ///
    /// # Errors
    /// [`HostError::Usage`] if the transport as it stands does not get there; as [`Self::advance`].
    pub fn render_up_to(&mut self, beats: f64) -> Result<(), HostError> {
        let frame = self.player.frame_of(beats).ok_or_else(|| {
            HostError::Usage(format!(
                "the transport does not come to quarter note {beats} from where it stands"
            ))
        })?;
        self.player.cut_at(frame);
        while self.player.frame() < frame {
            self.advance()?;
        }
        Ok(())
    }

    /// Saves a FAUST program into the folder of sounds and waits until the plugin says what came of it:
    /// its sound is then ready for the next block, or it was refused.
    fn save(&mut self, line: usize, file: &str, text: &str) -> Result<Save, HostError> {
        let Some(folder) = std::env::var_os("NOISE_DSP_DIR").map(PathBuf::from) else {
            let reason = "set NOISE_DSP_DIR to the folder that sounds are saved into".to_owned();
            return Err(HostError::Performance { line, reason });
        };
        let listener = match self.listener.take() {
            Some(listener) => listener,
            None => self.listen()?,
        };
        let listener = self.listener.insert(listener);
        let path = folder.join(file);
        let failed =
            |error: std::io::Error| HostError::File { path: path.clone(), reason: error.to_string() };
        std::fs::create_dir_all(path.parent().unwrap_or(&folder)).map_err(failed)?;
        let began = Instant::now();
        std::fs::write(&path, text).map_err(failed)?;
        // Asking for the list makes the plugin look at once; its folder watcher would in a moment.
        listener.send(r#"{"type":"list_nodes","reply_port":0}"#)?;
        let type_id = format!("faust:{}", file.trim_end_matches(".dsp"));
        let refused = loop {
            let Some(heard) = listener.poll()? else {
                if began.elapsed() > SAVE_WAIT {
                    return Err(HostError::NoReply { waited: SAVE_WAIT, request: format!("save {file}") });
                }
                self.instance.idle();
                std::thread::sleep(Duration::from_micros(100));
                continue;
            };
            let heard: Value = serde_json::from_str(&heard).unwrap_or_default();
            let event = &heard["params"];
            if event["type"] != type_id.as_str() {
                continue;
            }
            // Of an earlier save there may be more to hear than of this one.
            if event["topic"] == "compiles" && event["crc32"] == crc32fast::hash(text.as_bytes()) {
                break None;
            }
            if event["topic"] == "errors" {
                break Some(event["message"].as_str().unwrap_or_default().to_owned());
            }
        };
        // What is answered now was done after the new code was handed to the audio side.
        listener.send(r#"{"jsonrpc":"2.0","id":"saved","method":"status"}"#)?;
        while !listener.wait("status", REPLY_WAIT)?.contains(r#""id":"saved""#) {}
        let took = began.elapsed();
        Ok(Save { line, file: file.to_owned(), beats: self.player.beats(), took, refused })
    }

    fn listen(&mut self) -> Result<Client, HostError> {
        let socket = self.instance.socket().ok_or_else(|| {
            HostError::Usage("this stage was opened without a socket, so it hears of no compiles".to_owned())
        })?;
        let mut listener = Client::connect(socket)?;
        let topics = r#"{"jsonrpc":"2.0","id":"listen","method":"subscribe","params":{"topics":["compiles","errors"]}}"#;
        listener.send(topics)?;
        listener.wait(topics, REPLY_WAIT)?;
        Ok(listener)
    }

    /// Sends one request and waits for its reply; at a `sync`, renders first.
    fn exchange(&mut self, text: &str, sync: bool) -> Result<Value, HostError> {
        self.connection()?.send(text)?;
        let (mut arrives, mut target) = (true, f64::NEG_INFINITY);
        if sync {
            if let Some(cycles) = self.named_position.take() {
                target = cycles * self.beats_per_cycle;
            }
            arrives = self.render_past(target)?;
        }
        let wait = match (sync, arrives) {
            (false, _) => REPLY_WAIT,
            (true, true) => SYNC_WAIT,
            (true, false) => UNREACHED_WAIT,
        };
        let end = Instant::now() + wait;
        let line = loop {
            if let Some(line) = self.connection()?.poll()? {
                break line;
            }
            if Instant::now() >= end {
                let request = crate::client::shorten(text);
                return Err(if arrives {
                    HostError::NoReply { waited: wait, request }
                } else {
                    HostError::Unreachable { beats: target, stands: self.player.beats(), request }
                });
            }
            if self.options.realtime {
                self.advance()?;
            } else if !arrives {
                // The transport does not get there, so what is waited for may need no more than
                // further blocks; slowly, or they would pile up by the hour.
                self.advance()?;
                std::thread::sleep(Duration::from_millis(5));
            } else {
                self.instance.idle();
                std::thread::sleep(Duration::from_micros(300));
            }
        };
        let reply = serde_json::from_str(&line).unwrap_or(Value::String(line));
        if let Some(position) = reply["result"]["position"].as_f64().filter(|_| !sync) {
            self.named_position = Some(self.named_position.map_or(position, |p| p.max(position)));
        }
        Ok(reply)
    }

    fn connection(&mut self) -> Result<&mut Client, HostError> {
        self.client.as_mut().ok_or_else(|| {
            HostError::Usage("this stage was opened without a socket, so it cannot send".to_owned())
        })
    }

    /// Renders on until the length that the options ask for.
    ///
    /// # Errors
    /// As [`Self::advance`].
    pub fn render_to_end(&mut self) -> Result<(), HostError> {
        while self.player.frame() < self.end_frame() {
            self.advance()?;
        }
        Ok(())
    }

    fn end_frame(&self) -> u64 {
        match self.options.length {
            Length::Seconds(seconds) => (seconds * self.options.sample_rate).round() as u64,
            Length::Bars(bars) => {
                let (numerator, denominator) = self.options.script.time_signature;
                let beats = bars * f64::from(numerator) * 4.0 / f64::from(denominator);
                self.player.frame_of_elapsed(beats)
            }
        }
    }

    fn tell_progress(&mut self) {
        if self.options.progress && self.told.elapsed() >= Duration::from_secs(1) {
            self.told = Instant::now();
            eprintln!(
                "krach-host: beat {:.2}, {:.1} s of sound after {:.1} s",
                self.player.beats(),
                self.player.frame() as f64 / self.options.sample_rate,
                self.began.elapsed().as_secs_f64(),
            );
        }
    }

    /// Deactivates and destroys the instance; what was recorded in memory, cut to the length asked for.
    ///
    /// # Panics
    /// If it was recorded into files, and the end of one cannot be written: see [`Self::complete`].
    pub fn finish(self) -> Rendered {
        self.complete().expect("files can be written to their end")
    }

    /// As [`Self::finish`], wherever it was recorded.
    ///
    /// # Errors
    /// [`HostError::File`].
    pub fn complete(mut self) -> Result<Rendered, HostError> {
        let frames = (self.end_frame().min(self.player.frame())) as usize;
        let wall = self.began.elapsed();
        if let Some(processor) = self.processor.take() {
            self.instance.deactivate(processor);
        }
        self.sent.retain(|event| event.frame < frames as u64);
        let (outputs, peak) = self.tape.finish(frames)?;
        let mut outputs = outputs.into_iter();
        let channels = outputs.next().unwrap_or_default();
        let names = self.ports.outputs.iter().skip(1);
        Ok(Rendered {
            sample_rate: self.options.sample_rate,
            channels,
            stems: names
                .zip(outputs)
                .map(|(port, channels)| Stem { name: port.name.clone(), channels })
                .collect(),
            peak,
            midi_out: self.sent,
            frames,
            elapsed: wall,
            in_process: self.in_process,
            transport: self.player.into_truth(),
            replies: self.replies,
            saves: self.saves,
        })
    }
}

/// Whether a reply says that its request was refused, in any of the protocol's families, or that
/// edits before a `sync` failed.
fn is_error(reply: &Value) -> bool {
    let failed = reply["result"]["failed"].as_array();
    reply.get("error").is_some()
        || reply.get("status") == Some(&"Error".into())
        || failed.is_some_and(|failed| !failed.is_empty())
}

/// Loads a preset as the format has it; in VST3, which has none, a file over the socket.
fn load_preset<I: Hosted>(
    instance: &mut I,
    client: Option<&mut Client>,
    place: &Place,
) -> Result<(), HostError> {
    if let Some(clap) = instance.clap() {
        return clap.load_preset(place);
    }
    let (Place::File(file), Some(client)) = (place, client) else {
        return Err(HostError::Usage("only CLAP has presets that come with a plugin".to_owned()));
    };
    let request =
        json!({"jsonrpc": "2.0", "id": 1, "method": "open_file", "params": {"file": file}}).to_string();
    client.send(&request)?;
    let reply = client.wait(&request, REPLY_WAIT)?;
    let reply: Value = serde_json::from_str(&reply).unwrap_or(Value::String(reply));
    match is_error(&reply) {
        true => {
            Err(HostError::Preset { what: file.display().to_string(), reason: reply["error"].to_string() })
        }
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_seen_in_every_family() {
        let refused = |text: &str| is_error(&serde_json::from_str(text).unwrap());
        assert!(refused(r#"{"status":"Error","msg":"no"}"#));
        assert!(refused(r#"{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}}"#));
        assert!(refused(r#"{"jsonrpc":"2.0","id":1,"result":{"synced":true,"failed":[{"seq":3}]}}"#));
        assert!(!refused(r#"{"jsonrpc":"2.0","id":1,"result":{"synced":true,"failed":[]}}"#));
        assert!(!refused(r#"{"status":"Pong"}"#));
    }
}
