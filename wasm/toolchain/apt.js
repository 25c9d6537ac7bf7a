// SPDX-License-Identifier: Apache-2.0
// Debian packages without root: apt with private state, fed from the machine's own package sources. apt checks every
// file against the signed indexes and resumes partial downloads; nothing is installed, only unpacked.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { cachePath, capture, run, say, SetupError, which } from './common.js';

const trouble =
  'Check that this machine reaches its Debian package mirror (`apt-get update` tells), then run this again:\n' +
  'it goes on where it stopped.';

/** On a terminal apt shows its progress in place. */
const quiet = process.stderr.isTTY ? [] : ['-q'];

/** The machine's Debian release, as "bookworm"; '' on other systems. */
export function debianRelease() {
  if (!which('apt-get') || !which('dpkg-deb') || !fs.existsSync('/etc/os-release')) return '';
  const fields = fs.readFileSync('/etc/os-release', 'utf8');
  if (!/^ID=debian$/m.test(fields)) return '';
  return /^VERSION_CODENAME=(\w+)/m.exec(fields)?.[1] ?? '';
}

/**
 * @typedef {object} Source one entry of the machine's package sources
 * @property {string} uri
 * @property {string} suite
 * @property {string} components
 * @property {string} signedBy '' if the entry leaves it to apt
 */

/** @returns {Source[]} */
function machineSources() {
  const folder = '/etc/apt/sources.list.d';
  const files = fs.existsSync(folder)
    ? fs.readdirSync(folder).map((name) => path.join(folder, name))
    : [];
  files.unshift('/etc/apt/sources.list');
  return files.flatMap((file) => {
    if (!fs.existsSync(file)) return [];
    const text = fs.readFileSync(file, 'utf8').replace(/^\s*#.*\n?/gm, '');
    if (file.endsWith('.sources')) return text.split(/\n\s*\n/).flatMap(stanzaSources);
    return file.endsWith('.list') ? text.split('\n').flatMap(lineSources) : [];
  });
}

/** @param {string} stanza deb822: `Key: value` with continuation lines @returns {Source[]} */
function stanzaSources(stanza) {
  const get = (/** @type {string} */ key) =>
    new RegExp(`^${key}:[ \\t]*((?:.*)(?:\\n[ \\t].*)*)`, 'im').exec(stanza)?.[1].trim() ?? '';
  const signedBy = get('Signed-By');
  if (/^no$/i.test(get('Enabled')) || !get('Types').split(/\s+/).includes('deb')) return [];
  return words(get('URIs')).flatMap((uri) =>
    words(get('Suites')).map((suite) => ({ uri, suite, components: get('Components'), signedBy })),
  );
}

/** @param {string} line `deb [options] uri suite components` @returns {Source[]} */
function lineSources(line) {
  const found = /^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+(.*)$/.exec(line.trim());
  if (!found) return [];
  const signedBy = /signed-by=(\S+)/i.exec(found[1] ?? '')?.[1] ?? '';
  return [{ uri: found[2], suite: found[3], components: found[4], signedBy }];
}

/** @param {string} text */
function words(text) {
  return text.split(/\s+/).filter(Boolean);
}

/**
 * The machine's Debian entries, for another release when asked: same mirrors, same keys.
 * @param {string} release
 * @param {'deb' | 'deb-src'} type
 */
function sourcesFor(release, type) {
  const own = debianRelease();
  const aliases = [own, 'stable', 'oldstable'];
  const entries = machineSources().flatMap((source) => {
    const [base, ...rest] = source.suite.split(/[-/]/);
    const pocket = rest.join('-');
    // Only the main archive and its updates: third-party and backports entries have no place here.
    if (!aliases.includes(base) || !/(^|\s)main(\s|$)/.test(source.components)) return [];
    if (!['', 'updates', 'security'].includes(pocket)) return [];
    const suite = pocket ? `${release}-${pocket}` : release;
    const signedBy = source.signedBy ? `Signed-By: ${source.signedBy}\n` : '';
    return [`Types: ${type}\nURIs: ${source.uri}\nSuites: ${suite}\nComponents: main\n${signedBy}`];
  });
  if (!entries.length) {
    throw new SetupError(
      'found no entry for the Debian archive in /etc/apt (sources.list, sources.list.d), so no packages can be\n' +
        'fetched. Add the Debian archive there, or put Emscripten 3.1.69 or later, cmake and ninja on the PATH.',
    );
  }
  return [...new Set(entries)].join('\n');
}

/** apt with a state of its own, for one release. */
export class Apt {
  /**
   * @param {string} release
   * @param {'deb' | 'deb-src'} [type]
   */
  constructor(release, type = 'deb') {
    this.release = release;
    this.type = type;
    this.folder = cachePath('apt', `${release}-${type}`);
    this.env = {
      APT_CONFIG: path.join(this.folder, 'apt.conf'),
      LC_ALL: 'C',
      DEBIAN_FRONTEND: 'noninteractive',
    };
  }

  /** Writes the configuration and fetches the indexes. */
  update() {
    for (const name of [
      'lists/partial',
      'archives/partial',
      'packages',
      'sources',
      'empty',
      'machine',
      'bare',
    ])
      fs.mkdirSync(path.join(this.folder, name), { recursive: true });
    fs.writeFileSync(
      path.join(this.folder, 'sources', 'debian.sources'),
      sourcesFor(this.release, this.type),
    );
    // What is installed, and for a machine in disorder, nothing; copies, as apt locks the folder they are in.
    fs.copyFileSync('/var/lib/dpkg/status', path.join(this.folder, 'machine/status'));
    fs.writeFileSync(path.join(this.folder, 'bare/status'), '');
    fs.writeFileSync(this.env.APT_CONFIG, this.configuration());
    say(`reading the package index of Debian ${this.release}`);
    run('apt-get', ['update', ...quiet, '--error-on=any'], { env: this.env, advice: trouble });
  }

  /** The machine's way to the network (proxies, certificates) and private folders; no hooks. */
  configuration() {
    const dump = capture('apt-config', ['dump'], { env: { LC_ALL: 'C' } }).split('\n');
    // Network settings only: other index targets and translations are not needed.
    const kept = dump.filter(
      (line) => /^(Acquire::|APT::Architecture)/.test(line) && !/IndexTargets|Languages/.test(line),
    );
    const own = {
      'Dir::State': this.folder,
      'Dir::State::lists': path.join(this.folder, 'lists'),
      'Dir::State::status': path.join(this.folder, 'machine/status'),
      'Dir::Cache': this.folder,
      'Dir::Cache::archives': path.join(this.folder, 'archives'),
      'Dir::Etc::main': '/dev/null',
      'Dir::Etc::parts': path.join(this.folder, 'empty'),
      'Dir::Etc::sourcelist': '/dev/null',
      'Dir::Etc::sourceparts': path.join(this.folder, 'sources'),
      'Dir::Etc::preferences': '/dev/null',
      'Dir::Etc::preferencesparts': path.join(this.folder, 'empty'),
      'Dir::Log': path.join(this.folder, 'log'),
      'Acquire::Languages': 'none',
      'Acquire::Retries': '3',
    };
    // As root, apt would drop to a user that cannot write here.
    if (process.getuid?.() === 0) Object.assign(own, { 'APT::Sandbox::User': 'root' });
    return [...kept, ...Object.entries(own).map(([key, value]) => `${key} "${value}";`), ''].join(
      '\n',
    );
  }

  /**
   * Fetches packages, with what they need beyond what the machine has, and answers the .deb files. The packages
   * themselves come even if the machine has them: it may lose them again.
   * @param {string[]} names
   * @param {string[]} alone packages whose needs do not matter here
   */
  fetchWithNeeds(names, alone) {
    const plan = ['install', '--print-uris', '--no-install-recommends', '-y', '-qq', ...names];
    const options = {
      env: { ...process.env, ...this.env },
      encoding: /** @type {const} */ ('utf8'),
    };
    const planned = spawnSync('apt-get', plan, options);
    // A half-configured machine refuses to plan; then plan for an empty one.
    const empty = ['-o', `Dir::State::status=${path.join(this.folder, 'bare/status')}`];
    const listed =
      planned.status === 0
        ? planned.stdout
        : capture('apt-get', [...empty, ...plan], { env: this.env, advice: trouble });
    const needed = filesIn(listed).map((file) => file.replace(/_.*/, ''));
    return this.fetch([...new Set([...names, ...alone, ...needed])]);
  }

  /**
   * Fetches exactly these packages and answers the .deb files.
   * @param {string[]} names
   */
  fetch(names) {
    // Not apt's own folder: what is in there, --print-uris leaves out, after an interruption for instance.
    const cwd = path.join(this.folder, 'packages');
    const list = ['download', '--print-uris', '-qq', ...names];
    const files = filesIn(capture('apt-get', list, { env: this.env, advice: trouble }));
    run('apt-get', ['download', ...quiet, ...names], { cwd, env: this.env, advice: trouble });
    return files.map((file) => path.join(cwd, file));
  }

  /**
   * Fetches the upstream archive of a source package into the folder.
   * @param {string} name
   * @param {string} folder
   */
  fetchSource(name, folder) {
    const args = ['source', '--download-only', '--tar-only', '-qq', name];
    capture('apt-get', args, { cwd: folder, env: this.env, advice: trouble });
  }

  /** Frees the room that indexes and fetched packages take. */
  clean() {
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

/** @param {string} listed lines of `--print-uris`: 'uri' file size hash */
function filesIn(listed) {
  return [...listed.matchAll(/^'[^']+' (\S+)/gm)].map((found) => found[1]);
}

/**
 * Without the C library: the machine's own goes with its own loader.
 * @param {string[]} debs
 */
export function withoutCLibrary(debs) {
  return [...new Set(debs)].filter(
    (deb) => !/^(libc6|libc-bin|libgcc-s1|libstdc\+\+6)_/.test(path.basename(deb)),
  );
}

/**
 * Unpacks .deb files into a folder.
 * @param {string[]} debs
 * @param {string} folder
 * @param {string[]} [without] patterns of paths to leave out
 */
export function unpack(debs, folder, without = []) {
  fs.mkdirSync(folder, { recursive: true });
  const excludes = without.map((pattern) => `--exclude=${pattern}`);
  for (const deb of debs) {
    const script = 'set -e; dpkg-deb --fsys-tarfile "$0" | tar -x --no-same-owner -C "$1" "${@:2}"';
    run('bash', ['-o', 'pipefail', '-c', script, deb, folder, ...excludes]);
  }
}
