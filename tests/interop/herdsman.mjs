// Drives an unmodified zigbee-herdsman host against the simulated co-processor: form, join, interview, read.
// A line of JSON for each thing that happened, on standard output.
//
//   node herdsman.mjs FOLDER_OF_ITS_MODULES PORT FOLDER_FOR_ITS_FILES DEVICE_EUI64 INSTALL_CODE READS
import {createRequire} from 'node:module';

const [, , modules, port, folder, eui64, installCode, reads] = process.argv;
const {Controller, setLogger} = createRequire(`${modules}/`)('zigbee-herdsman');
const silent = () => {};
setLogger({debug: silent, info: silent, warning: silent, error: (text) => process.stderr.write(`${text}\n`)});
const say = (event, more = {}) => process.stdout.write(`${JSON.stringify({event, ...more})}\n`);

const controller = new Controller({
    network: {
        panID: 0x4d47,
        extendedPanID: [0x4d, 0x47, 0x4d, 0x47, 0x4d, 0x47, 0x4d, 0x47],
        channelList: [15],
        networkKey: [1, 3, 5, 7, 9, 11, 13, 15, 0, 2, 4, 6, 8, 10, 12, 13],
    },
    serialPort: {path: `tcp://127.0.0.1:${port}`, adapter: 'ember'},
    databasePath: `${folder}/database.db`,
    databaseBackupPath: `${folder}/database.db.backup`,
    backupPath: `${folder}/backup.json`,
    adapter: {disableLED: true},
});
const interviewed = new Promise((resolve, reject) => {
    controller.on('deviceJoined', ({device}) => say('joined', {ieee: device.ieeeAddr}));
    controller.on('deviceInterview', ({status, device}) => {
        if (status === 'successful') resolve(device);
        if (status === 'failed') reject(new Error('the interview failed'));
    });
});

const how = await controller.start();
say('formed', {how, version: (await controller.getCoordinatorVersion()).meta.revision});
await controller.addInstallCode(`${eui64}|${installCode}`);
await controller.permitJoin(120);
say('open');
const device = await interviewed;
const endpoint = device.endpoints.find((one) => one.supportsInputCluster('seMetering'));
say('interviewed', {model: device.modelID, endpoints: device.endpoints.length});
const values = await endpoint.read('seMetering', ['currentSummDelivered', 'multiplier', 'divisor']);
say('read', {values});
const began = process.hrtime.bigint();
for (let i = 0; i < Number(reads); i++) await endpoint.read('seMetering', ['currentSummDelivered']);
say('rate', {reads: Number(reads), seconds: Number(process.hrtime.bigint() - began) / 1e9});
await controller.stop();
say('stopped');
process.exit(0);
