//! The provider: moto, told that there are two regions. Runbooks ask it with the real command; what stands for a console
//! and other tools asks it by itself.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::Home;
use crate::world::{Server, must};

/// Where the console looks.
pub(crate) const EAST: &str = "us-east-1";
/// Where the instance runs.
pub(crate) const WEST: &str = "us-west-1";

/// What moto reads to learn which regions there are.
const REGIONS: &str = r#"{"version": 3, "partitions": [{
  "partition": "aws", "partitionName": "Two regions", "dnsSuffix": "amazonaws.com", "regionRegex": "^us-\\w+-\\d+$",
  "defaults": {"hostname": "{service}.{region}.{dnsSuffix}", "protocols": ["https"], "signatureVersions": ["v4"]},
  "regions": {"us-east-1": {"description": "East"}, "us-west-1": {"description": "West"}},
  "services": {
    "ec2": {"endpoints": {"us-east-1": {}, "us-west-1": {}}},
    "autoscaling": {"endpoints": {"us-east-1": {}, "us-west-1": {}}},
    "elasticloadbalancing": {"endpoints": {"us-east-1": {}, "us-west-1": {}}},
    "sts": {"endpoints": {"us-east-1": {}, "us-west-1": {}}}
  }
}]}"#;

/// A provider on loopback.
pub(crate) struct Cloud {
    _server: Server,
    address: String,
    /// A region named here gives no answer.
    silent: PathBuf,
}

impl Cloud {
    /// Starts it, and lets every command of `home` ask it and nobody else.
    pub(crate) fn start(home: &mut Home) -> Self {
        let data = home.path("provider");
        std::fs::create_dir(&data).unwrap();
        std::fs::write(data.join("endpoints.json"), REGIONS).unwrap();
        let mut command = Command::new("moto_server");
        command.args(["-H", "127.0.0.1", "-p", "0"]).env("AWS_DATA_PATH", &data).env("PYTHONUNBUFFERED", "1");
        let log = home.path("provider.log");
        let mut server = Server::start(&mut command, &log);
        let address = server.wait("the address of moto", || {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            let line = said.lines().find_map(|line| line.split_once("Running on "))?.1.to_owned();
            said.contains("Press CTRL+C").then_some(line)
        });
        let silent = home.path("silent");
        let env = [
            ("AWS_ENDPOINT_URL", address.clone()),
            ("AWS_ACCESS_KEY_ID", "testing".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "testing".to_owned()),
            ("AWS_CONFIG_FILE", "/dev/null".to_owned()),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("AWS_PAGER", String::new()),
            ("AWS_MAX_ATTEMPTS", "1".to_owned()),
        ];
        for (name, value) in env {
            home.set(name, value);
        }
        home.set("PATH", format!("{}:{}", wrap(home, &silent).display(), std::env::var("PATH").unwrap()));
        Self { _server: server, address, silent }
    }

    /// The other tool: it asks the provider itself, in one region, and nothing more.
    fn ask(&self, region: &str, words: &[&str]) -> String {
        let (signed, address) = (format!("aws:amz:{region}:ec2"), format!("{}/", self.address));
        let form = words.iter().flat_map(|word| ["-d", word]);
        let sent: Vec<&str> = ["-sS", "--noproxy", "*", "--user", "testing:testing", "--aws-sigv4", &signed]
            .into_iter()
            .chain(["-d", "Version=2016-11-15"])
            .chain(form)
            .chain([address.as_str()])
            .collect();
        must("curl", &sent)
    }

    /// Puts something at `path`: a bucket, a file in one.
    pub(crate) fn put(&self, path: &str, text: &str) {
        let address = format!("{}/{path}", self.address);
        let signed = ["--user", "testing:testing", "--aws-sigv4", "aws:amz:us-east-1:s3"];
        let sent =
            ["-fsS", "--noproxy", "*", "-X", "PUT", "-H", "Content-Type: text/plain", "-d", text, &address];
        must("curl", &[&signed[..], &sent[..]].concat());
    }

    /// An instance with one volume, which goes with it, as it is unless one says otherwise.
    pub(crate) fn launch(&self, region: &str) -> String {
        let image = "ImageId=ami-12345678";
        let said = self.ask(region, &["Action=RunInstances", image, "MinCount=1", "MaxCount=1"]);
        all_of(&said, "instanceId").pop().unwrap().to_owned()
    }

    /// What the console's list of instances shows there.
    pub(crate) fn instances(&self, region: &str) -> Vec<String> {
        owned(&all_of(&self.ask(region, &["Action=DescribeInstances"]), "instanceId"))
    }

    pub(crate) fn state(&self, region: &str, instance: &str) -> String {
        let said = self.ask(region, &["Action=DescribeInstances", &format!("InstanceId.1={instance}")]);
        let state = all_of(&said, "instanceState").pop().unwrap();
        all_of(state, "name").pop().unwrap().to_owned()
    }

    /// Presses Terminate; what the provider says.
    pub(crate) fn terminate(&self, region: &str, instance: &str) -> String {
        self.ask(region, &["Action=TerminateInstances", &format!("InstanceId.1={instance}")])
    }

    /// The only volume there is, attached or not.
    pub(crate) fn volume(&self, region: &str) -> String {
        let said = self.ask(region, &["Action=DescribeVolumes"]);
        let [item] = all_of(&said, "volumeSet")[..] else { panic!("no volumes: {said}") };
        let found = owned(&all_of(item.split("<attachmentSet").next().unwrap(), "volumeId"));
        let [volume] = &found[..] else { panic!("not one volume: {said}") };
        volume.clone()
    }

    /// A colleague starts it, works on it, and stops it again.
    pub(crate) fn start_and_stop(&self, region: &str, instance: &str) {
        for action in ["StartInstances", "StopInstances"] {
            self.ask(region, &[&format!("Action={action}"), &format!("InstanceId.1={instance}")]);
        }
        assert_eq!(self.state(region, instance), "stopped");
    }

    /// A colleague attaches one more volume; its name.
    pub(crate) fn attach(&self, region: &str, instance: &str) -> String {
        let zone = format!("AvailabilityZone={region}a");
        let said = self.ask(region, &["Action=CreateVolume", "Size=1", &zone]);
        let volume = all_of(&said, "volumeId").pop().unwrap().to_owned();
        let (what, to) = (format!("VolumeId={volume}"), format!("InstanceId={instance}"));
        self.ask(region, &["Action=AttachVolume", &what, &to, "Device=/dev/sdf"]);
        volume
    }

    /// It is taken off again, and is no more.
    pub(crate) fn detach(&self, region: &str, instance: &str, volume: &str) {
        let (what, from) = (format!("VolumeId={volume}"), format!("InstanceId={instance}"));
        self.ask(region, &["Action=DetachVolume", &what, &from]);
        self.ask(region, &["Action=DeleteVolume", &what]);
        self.volume(region);
    }

    pub(crate) fn snapshot(&self, region: &str, volume: &str) {
        let said = self.ask(region, &["Action=CreateSnapshot", &format!("VolumeId={volume}")]);
        assert_eq!(all_of(&said, "snapshotId").len(), 1, "{said}");
    }

    /// How many finished snapshots of a volume there are.
    pub(crate) fn snapshots(&self, region: &str, volume: &str) -> usize {
        let words = ["Action=DescribeSnapshots", "Owner.1=self"];
        let of = [
            "Filter.1.Name=volume-id".to_owned(),
            format!("Filter.1.Value.1={volume}"),
            "Filter.2.Name=status".to_owned(),
            "Filter.2.Value.1=completed".to_owned(),
        ];
        let words: Vec<&str> = words.into_iter().chain(of.iter().map(String::as_str)).collect();
        all_of(&self.ask(region, &words), "snapshotId").len()
    }

    /// Meanwhile the provider takes nobody's credentials, as when a session has run out.
    pub(crate) fn locked_out<T>(&self, then: impl FnOnce() -> T) -> T {
        self.free_calls("0");
        let came = then();
        self.free_calls("inf");
        came
    }

    /// How many calls moto answers before it looks at credentials.
    fn free_calls(&self, count: &str) {
        let address = format!("{}/moto-api/reset-auth", self.address);
        // As a form it would not be read.
        must("curl", &["-fsS", "--noproxy", "*", "-H", "Content-Type: text/plain", "-d", count, &address]);
    }

    /// Meanwhile one region gives no answer.
    pub(crate) fn silence<T>(&self, region: &str, then: impl FnOnce() -> T) -> T {
        std::fs::write(&self.silent, region).unwrap();
        let came = then();
        std::fs::remove_file(&self.silent).unwrap();
        came
    }
}

/// All that stands between `<tag>` and `</tag>`.
fn all_of<'t>(text: &'t str, tag: &str) -> Vec<&'t str> {
    let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
    text.split(&open).skip(1).filter_map(|rest| rest.split(&close).next()).collect()
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// The real command, but that a region can be cut off from here.
fn wrap(home: &Home, silent: &Path) -> PathBuf {
    let bin = home.path("bin");
    std::fs::create_dir(&bin).unwrap();
    let real = must("sh", &["-c", "command -v aws"]);
    let script = format!(
        "#!/bin/sh\nfor word; do\n  [ \"$word\" != \"$(cat '{}' 2>/dev/null)\" ] || {{ echo 'connection timed out' >&2; exit 255; }}\n\
         done\nexec '{real}' \"$@\"\n",
        silent.display()
    );
    let file = bin.join("aws");
    std::fs::write(&file, script).unwrap();
    must("chmod", &["755", file.to_str().unwrap()]);
    bin
}
