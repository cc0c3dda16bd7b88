const apiKey = process.env.API_KEY;
const response = await fetch("https://api.example.com/v1/users/usr_123", { headers: { Authorization: `Bearer ${apiKey}` } });
console.log(await response.text());
