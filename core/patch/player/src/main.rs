//! `patch_player FILE.yaml`: plays a patch, and plays on with what is saved there.

use std::process::ExitCode;

use patches_player::follow::Followed;
use patches_player::{Options, play};

const USAGE: &str = "\
patch_player FILE.yaml [-k KEYS] [-o OUT.wav] [-s SECONDS]

Plays a patch on the sound card, and plays on with what is saved in the file. Where there is no such file, it plays the
patch of that name that comes with krach, for instance demo_synth.
  -k, --keys C4,Eb4,G4     plays these keys on it, one each half second
  -o, --output OUT.wav     writes a file instead (10 seconds)
  -s, --seconds SECONDS    ends after so long";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("patch_player: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let options = Options::read(std::env::args_os().skip(1)).map_err(|why| format!("{why}\n{USAGE}"))?;
    if options.help {
        println!("{USAGE}");
        return Ok(());
    }
    let [file] = &options.files[..] else { return Err(format!("one file is to be played\n{USAGE}")) };
    let mut followed = Followed::find(file)?;
    let mut first = true;
    play(&options, 10.0, |seconds, engine| {
        let loaded = followed.follow(seconds, engine);
        if std::mem::take(&mut first) && !loaded {
            return Err("there is nothing to play".to_owned());
        }
        Ok(())
    })
}
