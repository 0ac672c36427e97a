// Drives an unmodified zigbee-herdsman host against the simulated co-processor: form, join, interview, read.
// Speaks to whoever started it: a line of JSON for each thing that happened, on standard output.
//
//   node herdsman.mjs PATH_OF_ITS_MODULES PORT FOLDER DEVICE_EUI64 INSTALL_CODE [READS]
import {createRequire} from 'node:module';
import {createInterface} from 'node:readline';

const [, , modules, port, folder, eui64, installCode, reads] = process.argv;
const {Controller} = createRequire(`${modules}/`)('zigbee-herdsman');
const say = (event, more = {}) => process.stdout.write(`${JSON.stringify({event, ...more})}\n`);
const SMART_ENERGY = 0x0109;
const OURS = [1, 3, 5, 7, 9, 11, 13, 15, 0, 2, 4, 6, 8, 10, 12, 13];

const controller = new Controller({
    network: {panID: 0x1a62, extendedPanID: [0xdd, 0xdd, 0xdd, 0xdd, 0xdd, 0xdd, 0xdd, 0xdd], channelList: [15], networkKey: OURS},
    serialPort: {path: `tcp://127.0.0.1:${port}`, adapter: 'ember'},
    databasePath: `${folder}/database.db`,
    databaseBackupPath: `${folder}/database.db.backup`,
    backupPath: `${folder}/backup.json`,
    adapter: {disableLED: true},
});

const interviewed = new Promise((resolve) => {
    controller.on('deviceJoined', ({device}) => say('joined', {ieee: device.ieeeAddr}));
    controller.on('deviceInterview', ({status, device}) => {
        say('interview', {status, ieee: device.ieeeAddr});
        if (status !== 'started') resolve(device);
    });
});

const started = await controller.start();
say('formed', {how: started, version: (await controller.getCoordinatorVersion()).meta});

await controller.addInstallCode(`Z:${'0000'}$I:${installCode}`.length && `${installCode}|${eui64}`.replace(/.*/, `G$M:x$S:x$D:${eui64}%Z$A:x$I:${installCode}`)).catch((error) => say('trouble', {words: String(error)}));
await controller.permitJoin(120);
say('open');

createInterface({input: process.stdin}).on('line', async (line) => {
    if (line === 'stop') {
        await controller.stop();
        process.exit(0);
    }
});
const device = await interviewed;
const endpoint = device.endpoints.find((one) => one.supportsInputCluster('seMetering'));
const attributes = ['currentSummDelivered', 'multiplier', 'divisor'];
const options = {profileId: SMART_ENERGY};
say('read', {values: await endpoint.read('seMetering', attributes, options)});
const count = Number(reads ?? 0);
if (count) {
    const began = process.hrtime.bigint();
    for (let i = 0; i < count; i++) await endpoint.read('seMetering', ['currentSummDelivered'], options);
    say('rate', {reads: count, seconds: Number(process.hrtime.bigint() - began) / 1e9});
}
await controller.stop();
say('stopped');
process.exit(0);
