/* SPDX-License-Identifier: ISC
 *
 * Numbers that are groups, and numbers that are nearly so.
 */
#ifndef TESTS_UNIT_GROUP_NUMBERS_H
#define TESTS_UNIT_GROUP_NUMBERS_H

/* RFC 7919 appendix A.1. */
static const char ffdhe2048[] =
    "ffffffffffffffffadf85458a2bb4a9aafdc5620273d3cf1d8b9c583ce2d3695a9e13641146433fbcc939dce249b3ef97d2fe363630c75d8"
    "f681b202aec4617ad3df1ed5d5fd65612433f51f5f066ed0856365553ded1af3b557135e7f57c935984f0c70e0e68b77e2a689daf3efe872"
    "1df158a136ade73530acca4f483a797abc0ab182b324fb61d108a94bb2c8e3fbb96adab760d7f4681d4f42a3de394df4ae56ede76372bb19"
    "0b07a7c8ee0a6d709e02fce1cdf7e2ecc03404cd28342f619172fe9ce98583ff8e4f1232eef28183c3fe3b1b4c6fad733bb5fcbc2ec22005"
    "c58ef1837d1683b2c6f34a26c1b2effa886b423861285c97ffffffffffffffff";
/* By `openssl prime -generate -safe -bits 2049`: 3 modulo 8, and its first octet is 1. */
static const char safe_2049[] =
    "01a88f0804f2609700b6c6cd5fe81c5027070645766a06b2b61d24f32bbc48e9c058a65dfcdd25b0f75df56ebcdce9d5edddc9a1da81e807"
    "1e581905db6a0a734c56f2f318d0771d77f8b1620dc604595623303a9f087218f303852057f69bb3cb88bc6cb9f3a410334e01495d087ae9"
    "9858c4a96b5bec1c0e38bfb46fa3da1ce0344be54263c6d0794cc094fa811ce21128f3dbdf8c8d0cca302afc82417671563c6d3bd787d4ad"
    "d5a04ccb72e08d35b838b8eed87288da8572652486ddbef4043899b81e6f074c2af0c3809ef9275f10aa7333d73efefd2243027d40b28116"
    "26a2ec04cce4cd1d53f0b115ca586e4f864b9c41343e30512831d602d3786bfd2b";
/* p prime, (p - 1) / 2 composite without a factor below 100; both as Python found by Miller and Rabin. */
static const char prime_not_safe[] =
    "b6cb75e0c1be56c18e424b31887e7d8ee1166a34a9bc304fd5c31206360aa0b00254342d05225b4da79704dc81c6696a8b26d20423df418a"
    "3e142220ac2eb310743d1c2422b64aca8d1194c6bf3137bf9423907b4c09f413330f3665ead69fefba5e2bd9184240c78d581e379e819eb2"
    "fe80f32259e1b7cd4a6962492637f0c647de996b9705a44a94e2a8545e800679e1796b9fd946894f226d88c553069dbb7bf7efc977cf0f35"
    "7cc6f72f13b8ef764281f47c55911b412eb9170a86cf22f28f514cf8d7255708e766ebbd24fdc3b74022d1fec022034907729694417e19c2"
    "335cf563178954ca54361b434a857389d1f54e7e64587181c544c781d99f5717";
/* (p - 1) / 2 prime, p composite without a factor below 100. */
static const char half_prime_only[] =
    "f270ac6c620222f37b04fedd5649b92472dea9fd6084b1c9f60d277ab7c393b8f4fa94e430a33bdd2fb1650e15bc7d939caa8af9691422d2"
    "f4cf27458e177bb5836d9ea588bbca222a5bc6d13a297113dd3d5e5b842f4fd9fde901bdb9bdc9aed90d35cda095f298d18df6f947b42807"
    "f9f2497ee44a42ca8cf1c6d692e2c061703cfd6742e5ebd820bed1afbb86d96e78bec3f3b2425fc125b31d3f5bb820d0792291e2eaf9599d"
    "85012754113d14424150ac2dd652235a815c3e9d4991b8e78acb9507e6d9b4fdddaf659f1ae77cec2555322d9a00b0ede44202c4cd7fb3db"
    "0fc39b643a8efd8d613c2a32310d6f4c8df0ec8c464d88fd2a51378219324caf";
/* 5 ^ exp modulo 2^64 + 13, by pow() of Python. */
#define POWERS_OF_FIVE                                                                                                           \
    {                                                                                                                            \
        {"00", "000000000000000000000001"}, {"01", "000000000000000000000005"}, {"02", "000000000000000000000019"},              \
            {"0003", "00000000000000000000007d"}, {"ffffffffffffffff", "000000001abc98840cf92c68"},                              \
        {                                                                                                                        \
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627", "00000000ce061023b9e7088b"       \
        }                                                                                                                        \
    }

#endif
