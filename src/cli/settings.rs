//! The table of settings in `docs/operator.md`, which is generated from the flags.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory as _};

/// A setting, and the commands that accept it.
struct Setting {
    flag: Arg,
    commands: Vec<String>,
}

/// Returns a Markdown table of every flag that has an environment variable: its names, its default, the commands that
/// accept it, and its help text.
#[must_use]
pub fn settings_table() -> String {
    let root = super::Cli::command();
    let mut settings = Vec::new();
    for command in root.get_subcommands() {
        collect(command, command.get_name(), &mut settings);
    }
    let all = "all";
    collect(&root, all, &mut settings);
    let mut table = "| flag | environment | default | commands | meaning |\n|---|---|---|---|---|".to_owned();
    for Setting { flag, commands } in settings {
        let default: Vec<_> = flag.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        let default = if default.is_empty() { "none".to_owned() } else { format!("`{}`", default.join(",")) };
        let commands: Vec<_> =
            commands.iter().map(|name| if name == all { name.clone() } else { format!("`{name}`") }).collect();
        let (long, environment) = (flag.get_long().unwrap_or_default(), flag.get_env().unwrap_or_default());
        let help = flag.get_help().map(ToString::to_string).unwrap_or_default();
        let (environment, commands) = (environment.to_string_lossy(), commands.join(", "));
        // Writing to a `String` cannot fail.
        let _ = write!(table, "\n| `--{long}` | `{environment}` | {default} | {commands} | {help} |");
    }
    table
}

fn collect(command: &Command, name: &str, settings: &mut Vec<Setting>) {
    for flag in command.get_arguments().filter(|flag| flag.get_env().is_some()) {
        match settings.iter_mut().find(|setting| setting.flag.get_long() == flag.get_long()) {
            Some(setting) => setting.commands.push(name.to_owned()),
            None => settings.push(Setting { flag: flag.clone(), commands: vec![name.to_owned()] }),
        }
    }
}
