//! `bundle` and `install`: from the built library to what a DAW finds.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};
use crate::symbols;
use crate::workspace::{Workspace, run};

/// The package of the library that is bundled.
const PACKAGE: &str = "krach-bundle";

/// Systems whose plugins are laid out differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// Linux and the BSDs.
    Linux,
    /// A plugin is a folder with an `Info.plist`.
    MacOs,
    /// Windows.
    Windows,
}

impl System {
    /// The system that this runs on.
    pub const HERE: Self = if cfg!(target_os = "macos") {
        Self::MacOs
    } else if cfg!(windows) {
        Self::Windows
    } else {
        Self::Linux
    };

    /// File that cargo makes of the package.
    fn library(self) -> &'static str {
        match self {
            Self::Linux => "libkrach_bundle.so",
            Self::MacOs => "libkrach_bundle.dylib",
            Self::Windows => "krach_bundle.dll",
        }
    }

    /// Where the binary is inside the bundle; empty if the bundle is the binary.
    fn binary_in_bundle(self, format: Format) -> String {
        // VST3's names of processors are Rust's, but for Windows on ARM.
        let processor = env::consts::ARCH;
        match (self, format) {
            (Self::MacOs, _) => "Contents/MacOS/krach".to_owned(),
            (Self::Linux | Self::Windows, Format::Clap) => String::new(),
            (Self::Linux, Format::Vst3) => format!("Contents/{processor}-linux/krach.so"),
            (Self::Windows, Format::Vst3) => {
                let processor = if processor == "aarch64" { "arm64" } else { processor };
                format!("Contents/{processor}-win/krach.vst3")
            }
        }
    }

    /// The user's folder for plugins, from the variables of the environment.
    fn plugin_folder(self, format: Format, variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
        let (hidden, shown) = match format {
            Format::Clap => (".clap", "CLAP"),
            Format::Vst3 => (".vst3", "VST3"),
        };
        match self {
            Self::Linux => Some(variable("HOME")?.join(hidden)),
            Self::MacOs => Some(variable("HOME")?.join("Library/Audio/Plug-Ins").join(shown)),
            Self::Windows => Some(variable("LOCALAPPDATA")?.join("Programs/Common").join(shown)),
        }
    }
}

/// Formats of plugins; one library holds them all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Clap,
    Vst3,
}

impl Format {
    const ALL: [Self; 2] = [Self::Clap, Self::Vst3];

    fn extension(self) -> &'static str {
        match self {
            Self::Clap => "clap",
            Self::Vst3 => "vst3",
        }
    }
}

/// What was laid out.
pub struct Bundles {
    /// `krach.clap`.
    pub clap: PathBuf,
    /// `krach.vst3`.
    pub vst3: PathBuf,
}

/// Builds the plugin in release mode and lays out `krach.clap` and `krach.vst3` in `target/bundled`.
///
/// # Errors
/// If the build fails, a file cannot be written, a binary exports anything but its entry points, or it
/// carries a table of symbols.
pub fn bundle(workspace: &Workspace) -> Result<Bundles> {
    run(&mut workspace.cargo(["build", "--release", "--package", PACKAGE]))?;
    let library = workspace.target.join("release").join(System::HERE.library());
    let name = bundle_name(&read(&workspace.root.join("bundler.toml"))?)?;
    let one = |format| -> Result<PathBuf> {
        let bundle = lay_out(System::HERE, format, &name, &library, &workspace.bundled())?;
        let binary = binary(System::HERE, format, &bundle);
        symbols::check_exports(&binary, symbols::ENTRY_POINTS)?;
        symbols::check_stripped(&binary)?;
        println!("bundle: {}", bundle.display());
        Ok(bundle)
    };
    Ok(Bundles { clap: one(Format::Clap)?, vst3: one(Format::Vst3)? })
}

/// Bundles and copies the result to where the user's DAWs look.
///
/// # Errors
/// As [`bundle`]; or if a folder cannot be written.
pub fn install(workspace: &Workspace) -> Result<()> {
    let Bundles { clap, vst3 } = bundle(workspace)?;
    for (format, bundle) in Format::ALL.into_iter().zip([clap, vst3]) {
        let folder = System::HERE
            .plugin_folder(format, |name| env::var_os(name).map(PathBuf::from))
            .ok_or_else(|| Failure::Check("install: no home folder is set".to_owned()))?;
        println!("install: {}", put(&bundle, &folder)?.display());
    }
    println!("let the DAW scan its plugins again");
    Ok(())
}

/// What `bundler.toml` calls the plugin's bundles.
fn bundle_name(bundler: &str) -> Result<String> {
    #[derive(serde::Deserialize)]
    struct Bundle {
        name: String,
    }
    let bundles: std::collections::BTreeMap<String, Bundle> =
        basic_toml::from_str(bundler).map_err(|e| Failure::Check(format!("bundler.toml: {e}")))?;
    let bundle = bundles.get(PACKAGE).map(|bundle| bundle.name.clone());
    bundle.ok_or_else(|| Failure::Check(format!("bundler.toml: no section [{PACKAGE}]")))
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|e| Failure::Check(format!("{}: {e}", path.display())))
}

/// Makes `<name>.clap` or `<name>.vst3` in `folder` from the built library.
fn lay_out(system: System, format: Format, name: &str, library: &Path, folder: &Path) -> Result<PathBuf> {
    let bundle = folder.join(format!("{name}.{}", format.extension()));
    let binary = binary(system, format, &bundle);
    remove(&bundle)?;
    create_folder(binary.parent().unwrap_or(folder))?;
    copy_file(library, &binary)?;
    if system == System::MacOs {
        let plist = info_plist(name, format, env!("CARGO_PKG_VERSION"));
        write(&bundle.join("Contents/Info.plist"), &plist)?;
        write(&bundle.join("Contents/PkgInfo"), "BNDL????")?;
    }
    Ok(bundle)
}

fn binary(system: System, format: Format, bundle: &Path) -> PathBuf {
    match system.binary_in_bundle(format).as_str() {
        "" => bundle.to_owned(),
        inside => bundle.join(inside),
    }
}

fn info_plist(name: &str, format: Format, version: &str) -> String {
    let identifier = match format {
        Format::Clap => "io.krach.krach",
        Format::Vst3 => "io.krach.krach.vst3",
    };
    let entries = [
        ("CFBundleExecutable", "krach"),
        ("CFBundleIdentifier", identifier),
        ("CFBundleName", name),
        ("CFBundleDisplayName", name),
        ("CFBundlePackageType", "BNDL"),
        ("CFBundleSignature", "????"),
        ("CFBundleShortVersionString", version),
        ("CFBundleVersion", version),
    ];
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
         \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\">\n<dict>\n",
    );
    for (key, value) in entries {
        text.push_str(&format!("  <key>{key}</key>\n  <string>{value}</string>\n"));
    }
    text.push_str("  <key>NSHighResolutionCapable</key>\n  <true/>\n</dict>\n</plist>\n");
    text
}

/// Copies a bundle, file or folder, into `folder`, in place of an older one.
///
/// The new one is complete before the old one goes, and a library that a running DAW has mapped is
/// never written to.
fn put(bundle: &Path, folder: &Path) -> Result<PathBuf> {
    create_folder(folder)?;
    let name = bundle.file_name().unwrap_or_default();
    let (target, fresh) = (folder.join(name), folder.join(format!(".{}.new", name.display())));
    remove(&fresh)?;
    copy(bundle, &fresh)?;
    remove(&target)?;
    fs::rename(&fresh, &target).map_err(|source| Failure::file("rename", &fresh, source))?;
    Ok(target)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if !from.is_dir() {
        return copy_file(from, to);
    }
    create_folder(to)?;
    let list = |source| Failure::file("list", from, source);
    for entry in fs::read_dir(from).map_err(list)? {
        let entry = entry.map_err(list)?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).map(drop).map_err(|source| Failure::file("copy", from, source))
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(|source| Failure::file("write", path, source))
}

fn create_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(|source| Failure::file("create", folder, source))
}

fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_dir() && !path.is_symlink() {
        fs::remove_dir_all(path)
    } else if path.exists() || path.is_symlink() {
        fs::remove_file(path)
    } else {
        Ok(())
    };
    removed.map_err(|source| Failure::file("remove", path, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundler_toml_names_the_bundle() {
        assert_eq!(bundle_name(include_str!("../../bundler.toml")).unwrap(), "krach");
        let missing = bundle_name("[other]\nname = \"x\"").unwrap_err().to_string();
        assert!(missing.contains("krach-bundle"), "{missing}");
    }

    #[test]
    fn a_library_for_hosts_is_built_with_one_set_of_features() {
        // Cargo names the file of a cdylib without a hash: two sets of features make it build the package in turns.
        let workspace = Workspace::of_tests();
        let mut metadata = workspace.cargo(["metadata", "--format-version", "1", "--no-deps", "--offline"]);
        let text = crate::workspace::output(&mut metadata).unwrap();
        let metadata: serde_json::Value = serde_json::from_str(&text).unwrap();
        let is_library = |package: &serde_json::Value| {
            let targets = package["targets"].as_array().unwrap().iter();
            targets.flat_map(|target| target["kind"].as_array().unwrap()).any(|kind| kind == "cdylib")
        };
        let packages = metadata["packages"].as_array().unwrap();
        let libraries: Vec<_> = packages.iter().filter(|package| is_library(package)).collect();
        let names: Vec<_> = libraries.iter().map(|package| package["name"].as_str().unwrap()).collect();
        assert_eq!(names, [PACKAGE]);
        assert_eq!(libraries[0]["features"], serde_json::json!({}));
    }

    fn folder(name: &str) -> PathBuf {
        let folder = env::temp_dir().join(format!("krach-bundle-{name}-{}", std::process::id()));
        remove(&folder).unwrap();
        create_folder(&folder).unwrap();
        folder
    }

    fn built(folder: &Path) -> PathBuf {
        let library = folder.join("built");
        write(&library, "machine code").unwrap();
        library
    }

    #[test]
    fn on_linux_and_windows_a_clap_is_the_library_itself() {
        for system in [System::Linux, System::Windows] {
            let folder = folder("file");
            let bundled = folder.join("bundled");
            let bundle = lay_out(system, Format::Clap, "krach", &built(&folder), &bundled).unwrap();
            assert_eq!(bundle, folder.join("bundled/krach.clap"));
            assert_eq!(fs::read_to_string(bundle).unwrap(), "machine code");
        }
    }

    #[test]
    fn on_linux_and_windows_a_vst3_is_a_folder_that_names_the_processor() {
        for (system, inside) in [
            (System::Linux, format!("{}-linux/krach.so", env::consts::ARCH)),
            (System::Windows, format!("{}-win/krach.vst3", env::consts::ARCH.replace("aarch64", "arm64"))),
        ] {
            let folder = folder("vst3");
            let bundle = lay_out(system, Format::Vst3, "krach", &built(&folder), &folder).unwrap();
            assert_eq!(bundle, folder.join("krach.vst3"));
            let binary = bundle.join("Contents").join(inside);
            assert_eq!(fs::read_to_string(binary).unwrap(), "machine code");
            // Again, over what is there.
            lay_out(system, Format::Vst3, "krach", &built(&folder), &folder).unwrap();
        }
    }

    #[test]
    fn on_macos_the_bundle_is_a_folder_with_its_papers() {
        for (format, identifier) in [(Format::Clap, "io.krach.krach"), (Format::Vst3, "io.krach.krach.vst3")]
        {
            let folder = folder("folder");
            let bundle = lay_out(System::MacOs, format, "krach", &built(&folder), &folder).unwrap();
            let inside = |path: &str| fs::read_to_string(bundle.join(path)).unwrap();
            assert_eq!(inside("Contents/MacOS/krach"), "machine code");
            assert_eq!(inside("Contents/PkgInfo"), "BNDL????");
            let plist = inside("Contents/Info.plist");
            assert!(plist.contains("<key>CFBundleExecutable</key>\n  <string>krach</string>"));
            assert!(plist.contains(&format!("<string>{identifier}</string>")));
            assert!(plist.ends_with("</plist>\n"));
        }
    }

    #[test]
    fn a_library_that_was_not_built_is_an_error_that_names_it() {
        let folder = folder("missing");
        let missing = folder.join("libkrach_bundle.so");
        let text = lay_out(System::Linux, Format::Clap, "krach", &missing, &folder).unwrap_err();
        assert!(text.to_string().contains("libkrach_bundle.so"), "{text}");
    }

    #[test]
    fn installing_again_replaces_what_was_there() {
        let folder = folder("install");
        let bundle = folder.join("krach.clap");
        write(&bundle, "old").unwrap();
        put(&bundle, &folder.join("plugins")).unwrap();
        write(&bundle, "new").unwrap();
        let installed = put(&bundle, &folder.join("plugins")).unwrap();
        assert_eq!(fs::read_to_string(&installed).unwrap(), "new");
        assert_eq!(fs::read_dir(folder.join("plugins")).unwrap().count(), 1);
    }

    #[test]
    fn each_system_has_its_own_folder_for_plugins() {
        let variable = |name: &str| match name {
            "HOME" => Some(PathBuf::from("/home/ada")),
            "LOCALAPPDATA" => Some(PathBuf::from("/users/ada")),
            _ => None,
        };
        let folder = |system: System, format| system.plugin_folder(format, variable).unwrap();
        assert_eq!(folder(System::Linux, Format::Clap), Path::new("/home/ada/.clap"));
        assert_eq!(folder(System::Linux, Format::Vst3), Path::new("/home/ada/.vst3"));
        let (mac, windows) = (System::MacOs, System::Windows);
        assert_eq!(folder(mac, Format::Clap), Path::new("/home/ada/Library/Audio/Plug-Ins/CLAP"));
        assert_eq!(folder(mac, Format::Vst3), Path::new("/home/ada/Library/Audio/Plug-Ins/VST3"));
        assert_eq!(folder(windows, Format::Clap), Path::new("/users/ada/Programs/Common/CLAP"));
        assert_eq!(folder(windows, Format::Vst3), Path::new("/users/ada/Programs/Common/VST3"));
        assert_eq!(System::Linux.plugin_folder(Format::Vst3, |_| None), None);
    }
}
