//! The help of the command lines. The native one and the package's print the same; like the flags that it is about, it is English.

const HEAD: &str = "weighstation weighs an AI model before anybody loads it.

usage: weighstation scan [OPTIONS] PATH...     files or folders; folders are walked, hidden files included
       weighstation export [OPTIONS] REPORT    a stored report (scan --format json) in another form
       weighstation verify [OPTIONS] PATH...   files against digests that somebody published
       weighstation compare [OPTIONS] OLD NEW  what changed; each is a stored report or a path to scan
       weighstation licence [OPTIONS] PATH...  what may be done with it, what must be done, and whether the parts fit
       weighstation licence [OPTIONS] --by-name NAME...
";

const OPTIONS: &str = "
scan options
  --format text|json|jsonl|sarif|cyclonedx|spdx|markdown|html|csv     default: text
  --output FILE                default: standard output
  --fail-on dangerous|suspicious|incomplete|never     default: suspicious
  --lang en|ja                 language of the sentences, in every command
  --no-digest                  skip the SHA-256 pass
  --paths full|names|numbered  how much of the paths a report keeps     default: full
  --time TIME                  when it was scanned, such as 2026-11-20T12:00:00Z, or none
                               default: SOURCE_DATE_EPOCH, or now, in the forms that tell it
  --serial UUID                serial number of a bill of materials

export options: --format --output --lang --paths --time --serial as above

verify options
  --digest DIGEST              a digest, such as sha256:..., may be repeated
  --sums FILE                  a list as sha256sum and others write it, may be repeated
  --pointer FILE               a Git LFS pointer, may be repeated
                               default: the lists that lie among the files
  --format text|json  --output FILE  --lang en|ja
  --fail-on differs|incomplete|unlisted|never         default: incomplete

compare options
  --format text|json|markdown  --output FILE  --lang en|ja  --no-digest
  --fail-on dangerous|suspicious|incomplete|never     what is new     default: suspicious

";

const STATUS: &str = "
exit status: 0 nothing at or above --fail-on; 1 something is; 2 the command line is wrong; 3 an input could not be read at all
";

/// The help; `more` are lines about commands that only this command line has.
pub fn help(more: &str) -> String {
    format!("{HEAD}{more}{OPTIONS}{}{STATUS}", super::licence::options())
}
