// Visitors in a real browser: node visitors.js http://127.0.0.1:PORT SECONDS_BETWEEN. Each searches, buys and goes. Ends with SIGTERM.
const { chromium } = require('playwright-core');

const [base, seconds] = [process.argv[2], Number(process.argv[3])];
const pick = (list) => list[Math.floor(Math.random() * list.length)];

async function visit(browser) {
  const page = await browser.newPage();
  page.setDefaultTimeout(15000);
  try {
    const who = new URLSearchParams({ user: `u${1 + Math.floor(Math.random() * 60)}`, region: pick(['eu-west', 'us-east', 'ap-south']) });
    if (Math.random() < 0.3) who.set('coupon', 'WELCOME10');
    await page.goto(`${base}/?${who}`);
    await page.fill('[name=q]', pick(['tea', 'coffee', 'cup', 'mate']));
    await page.click('form button');
    await page.click('#found button');
    await page.waitForFunction(() => !['', '…'].includes(document.getElementById('told').textContent) && !/found/.test(document.getElementById('told').textContent));
    await page.evaluate(() => window.flush());
  } finally {
    await page.close();
  }
}

async function main() {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    handleSIGTERM: false,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-dev-shm-usage',
      '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  let is_over = false;
  process.on('SIGTERM', () => {
    is_over = true;
    void browser.close().finally(() => process.exit(0));
  });
  while (!is_over) {
    await visit(browser).catch((error) => { if (!is_over) console.error(String(error).split('\n')[0]); });
    await new Promise((resolve) => { setTimeout(resolve, seconds * 1000); });
  }
}

main().catch((error) => { console.error(error); process.exit(1); });
